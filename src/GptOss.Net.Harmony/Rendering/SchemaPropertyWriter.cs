using System.Text;
using System.Text.RegularExpressions;

namespace GptOss.Net.Harmony;

/// <summary>Writes the properties of an object type: comments, name, type, bounds, default.</summary>
internal sealed partial class SchemaPropertyWriter(SchemaTypeWriter types)
{
    private const string OtherName = "[key: string]";

    /// <summary>The lines of a declared property.</summary>
    public string Write(SchemaProperty property, string indent)
    {
        var name = Identifier.IsMatch(property.Name) ? property.Name : JsonText.Quote(property.Name);
        return Write(property.IsRequired ? name : name + "?", property.Value, [], indent);
    }

    /// <summary>The lines of properties that are not declared.</summary>
    public string Write(OtherProperties others, string indent) =>
        Write(OtherName, others.Value, [.. others.Names.Notes.Select(note => $"key {note}")], indent);

    [GeneratedRegex(@"^[\p{L}_$][\p{L}\p{N}_$]*\z")]
    private static partial Regex Identifier { get; }

    private string Write(string name, SchemaUse use, IReadOnlyList<string> nameNotes, string indent)
    {
        var leaves = SchemaLeaf.Of(use.Node);
        var others = leaves.FindAll(leaf => leaf.Node.Shapes is not [NullShape]);
        var texts = others is [var only] ? use.Texts.Or(only.Texts) : use.Texts;
        if (others.Count > 1)
        {
            return WriteUnion(name, use, nameNotes, indent);
        }

        var type = types.Write(use, indent + "    ");
        IReadOnlyList<string> notes = [.. nameNotes, .. others.SelectMany(leaf => SchemaNotes.Of(leaf.Node))];
        var defaultText = SchemaNotes.Default(texts, others.Count > 0 ? others[0].Node : use.Node);
        return $"{SchemaNotes.Above(indent, texts, texts.Description)}{indent}{name}: "
            + $"{type},{SchemaNotes.Trailing(null, notes, defaultText)}\n";
    }

    /// <summary>A property of several types: one line for each. A description is not said twice.</summary>
    private string WriteUnion(string name, SchemaUse use, IReadOnlyList<string> nameNotes, string indent)
    {
        var type = types.WriteName(use.Node);
        var variants = type is null ? types.Variants(use.Node, indent + "   ", out var hasNull) : Named(out hasNull);
        var description = use.Texts.Description;
        var isAbove = description is not null
            && !string.Equals(description, variants.Count > 0 ? variants[0].Texts.Description : null, StringComparison.Ordinal);
        var text = new StringBuilder(SchemaNotes.Above(indent, use.Texts, isAbove ? description : null));
        text.Append(SchemaNotes.Lines(indent, SchemaNotes.Default(use.Texts, use.Node)));
        text.Append(SchemaNotes.Lines(indent, string.Join(", ", nameNotes)));
        if (type is not null)
        {
            return text.Append(indent).Append(name).Append(": ").Append(type).Append(",\n").ToString();
        }

        text.Append(indent).Append(name).Append(":\n");
        foreach (var variant in variants)
        {
            var own = string.Equals(variant.Texts.Description, description, StringComparison.Ordinal) ? null : variant.Texts.Description;
            text.Append(indent).Append(" | ").Append(variant.Type).Append(variant.Trailing(own)).Append('\n');
        }

        text.Append(hasNull ? $"{indent} | null\n" : "");
        return text.Append(indent).Append(",\n").ToString();

        static IReadOnlyList<SchemaVariant> Named(out bool hasNull)
        {
            hasNull = false;
            return [];
        }
    }
}
