using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace GptOss.Net.Harmony;

/// <summary>Writes one property of an object type: comments, name, type, default.</summary>
internal sealed partial class TypeScriptPropertyWriter(TypeScriptTypeWriter types, SchemaComments comments, SchemaRendering rendering)
{
    private bool IsExact => rendering == SchemaRendering.Exact;

    /// <summary>The lines of a property.</summary>
    public string Write(JsonProperty property, bool isRequired, string indent)
    {
        var name = IsExact || Identifier.IsMatch(property.Name) ? property.Name : JsonText.Quote(property.Name);
        name += isRequired ? string.Empty : "?";
        return property.Value.ArrayKeyword("oneOf") is { } variants
            ? WriteUnion(name, property.Value, variants, indent)
            : WriteSimple(name, property.Value, indent);
    }

    [GeneratedRegex(@"^[\p{L}_$][\p{L}\p{N}_$]*\z")]
    private static partial Regex Identifier { get; }

    private string WriteSimple(string name, JsonElement schema, string indent)
    {
        // The reference repeats an object's description between name and type; enriched text says it once.
        var description = schema.Keyword("oneOf") is null ? schema.StringKeyword("description") : null;
        var defaultText = schema.Keyword("oneOf") is null ? comments.Default(schema) : null;
        return comments.Property(indent, schema, description)
            + $"{indent}{name}: {types.WriteNullable(schema, indent + "    ", describe: IsExact)},"
            + $"{comments.Trailing(null, defaultText)}\n";
    }

    /// <summary>A property with <c>oneOf</c>: one line for each variant. A description is not said twice.</summary>
    private string WriteUnion(string name, JsonElement schema, IReadOnlyList<JsonElement> variants, string indent)
    {
        var description = schema.StringKeyword("description");
        var firstDescription = variants.Count > 0 ? variants[0].StringKeyword("description") : null;
        var isAbove = description is not null && !string.Equals(description, firstDescription, StringComparison.Ordinal);

        var text = new StringBuilder(comments.Property(indent, schema, description: null));
        text.Append(comments.Lines(indent, isAbove ? description : null));
        if (comments.Default(schema) is { } defaultText)
        {
            text.Append(indent).Append("// ").Append(defaultText).Append('\n');
        }

        text.Append(indent).Append(name).Append(":\n");
        for (var index = 0; index < variants.Count; index++)
        {
            var variant = variants[index];
            var own = variant.StringKeyword("description");
            var isSaid = (index == 0 && isAbove && IsExact) || string.Equals(own, description, StringComparison.Ordinal);
            text.Append(indent).Append(" | ").Append(types.WriteNullable(variant, indent + "   ", describe: IsExact))
                .Append(comments.Trailing(isSaid ? null : own, comments.Default(variant))).Append('\n');
        }

        if (!IsExact && schema.IsNullable())
        {
            text.Append(indent).Append(" | null\n");
        }

        return text.Append(indent).Append(",\n").ToString();
    }
}
