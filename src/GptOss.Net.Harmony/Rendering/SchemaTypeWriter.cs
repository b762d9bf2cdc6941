using System.Text;

namespace GptOss.Net.Harmony;

/// <summary>
/// Writes what a schema means as a TypeScript type, in the form of OpenAI's library: a type that contains itself, or that is written often,
/// has a name. Bounds are comments, in the words of the schema.
/// </summary>
internal sealed class SchemaTypeWriter
{
    private const int MaxDepth = 16;
    private const int MaxCopies = 4;

    private readonly SchemaTypeNames _names;
    private readonly SchemaPropertyWriter _properties;
    private readonly HashSet<SchemaNode> _open = [];
    private readonly Dictionary<SchemaNode, int> _copies = [];

    public SchemaTypeWriter(SchemaTypeNames names)
    {
        _names = names;
        _properties = new SchemaPropertyWriter(this);
    }

    /// <summary>The parameter list of a tool, without parentheses; empty where the only arguments are none.</summary>
    public string WriteArguments(SchemaModel model) =>
        model.Root.Node is { Shapes: [ObjectShape { Properties: [], Others: [] }] }
            ? string.Empty
            : $"_: {Write(model.Root, string.Empty)}";

    /// <summary>The types that have names, and that were written since; each in full.</summary>
    public IEnumerable<string> WriteNamed()
    {
        while (_names.TryTake(out var name, out var node))
        {
            yield return $"type {name} = {WriteUnnamed(node, string.Empty)};\n";
        }
    }

    /// <summary>The type of a value, with null where it may be that. Lines after the first begin with the indent.</summary>
    public string Write(SchemaUse use, string indent) => WriteName(use.Node) ?? WriteUnnamed(use.Node, indent);

    /// <summary>The name of a type that is not to be written in full; null if it is.</summary>
    public string? WriteName(SchemaNode node)
    {
        node = SchemaLeaf.Resolve(node);
        if (!IsComposite(node))
        {
            return null;
        }

        _copies[node] = _copies.GetValueOrDefault(node) + 1;
        return _names.Has(node) || _open.Contains(node) || _open.Count >= MaxDepth || _copies[node] > MaxCopies ? _names.Of(node) : null;
    }

    /// <summary>The types of which a value has one, without null.</summary>
    public IReadOnlyList<SchemaVariant> Variants(SchemaNode node, string indent, out bool hasNull)
    {
        node = SchemaLeaf.Resolve(node);
        var leaves = SchemaLeaf.Of(node);
        hasNull = leaves.Exists(leaf => !SchemaLeaf.IsAny(leaf.Node) && leaf.Node.Shapes.Any(IsNull));
        _open.Add(node);
        var variants = new List<SchemaVariant>();
        foreach (var leaf in leaves)
        {
            var types = SchemaLeaf.IsAny(leaf.Node) ? ["any"] : leaf.Node.Shapes.SelectMany(shape => Types(shape, indent)).ToList();
            if (types.Count > 0)
            {
                variants.Add(
                    new SchemaVariant(string.Join(" | ", types), types.Count > 1, leaf.Texts, SchemaNotes.Of(leaf.Node), leaf.Node));
            }
        }

        _open.Remove(node);
        return [.. variants.DistinctBy(variant => (variant.Type, variant.Texts.Description, string.Join(", ", variant.Notes)))];
    }

    private string WriteUnnamed(SchemaNode node, string indent)
    {
        var isSplit = SchemaLeaf.Of(node).Count(leaf => leaf.Node.Shapes is not [NullShape]) > 1;
        var variants = Variants(node, isSplit ? indent + "   " : indent, out var hasNull);
        var isLong = variants.Count > 1 && variants.Any(variant => variant.NeedsLine);
        var type = isLong
            ? string.Concat(variants.Select(variant => $"\n{indent} | {variant.Type}{variant.Trailing(variant.Texts.Description)}"))
            : string.Join(" | ", variants.Select(variant => variant.Type));
        var endsInComment = isLong && variants[^1].Trailing(variants[^1].Texts.Description).Length > 0;
        return (type.Length, hasNull) switch
        {
            (0, _) => hasNull ? "null" : "never",
            (_, false) => endsInComment ? $"{type}\n{indent}" : type, // what follows must not be part of the comment
            _ => isLong ? $"{type}\n{indent} | null" : $"{type} | null",
        };
    }

    private IEnumerable<string> Types(SchemaShape shape, string indent) => shape switch
    {
        FixedShape values => values.Values.Where(value => !string.Equals(value, "null", StringComparison.Ordinal)),
        BooleanShape => ["boolean"],
        NumberShape => ["number"],
        StringShape => ["string"],
        ArrayShape array => [WriteArray(array, indent)],
        ObjectShape @object => [WriteObject(@object, indent)],
        _ => [],
    };

    private string WriteObject(ObjectShape shape, string indent)
    {
        var text = new StringBuilder("{\n");
        foreach (var property in shape.Properties)
        {
            text.Append(_properties.Write(property, indent));
        }

        foreach (var other in shape.Others)
        {
            text.Append(_properties.Write(other, indent));
        }

        return text.Append(indent).Append('}').ToString();
    }

    private string WriteArray(ArrayShape shape, string indent)
    {
        if (shape.Prefix.Count == 0)
        {
            return shape.Rest is not { } rest ? "[]"
                : SchemaLeaf.IsAny(rest.Node) ? "Array<any>"
                : $"{Item(rest, indent)}[]";
        }

        var items = shape.Prefix.Select((item, i) => $"{Item(item, indent)}{(i < shape.MinItems ? "" : "?")}");
        return $"[{string.Join(", ", items)}{(shape.Rest is { } more ? $", ...{Item(more, indent)}[]" : "")}]";
    }

    private string Item(SchemaUse use, string indent)
    {
        var type = Write(use, indent);
        var isUnion = !_names.Has(SchemaLeaf.Resolve(use.Node)) && (SchemaLeaf.Of(use.Node) is not [var leaf] || leaf.Node.Shapes.Count > 1
            || leaf.Node.Shapes is [FixedShape { Values.Count: > 1 }]);
        return isUnion && !SchemaLeaf.IsAny(use.Node) ? $"({type})" : type;
    }

    private static bool IsNull(SchemaShape shape) =>
        shape is NullShape || (shape is FixedShape { Values: var values } && values.Contains("null", StringComparer.Ordinal));

    private static bool IsComposite(SchemaNode node) =>
        node.Alternatives.Count > 1
            || node.Shapes.Any(shape => shape is ObjectShape { Properties.Count: > 0 } or ArrayShape { Prefix.Count: > 0 })
        || node.Shapes.Any(shape => shape.Parts().Any(part => part != SchemaNode.Any));
}
