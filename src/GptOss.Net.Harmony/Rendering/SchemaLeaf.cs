namespace GptOss.Net.Harmony;

/// <summary>The nodes with shapes that stand behind the alternatives of a node.</summary>
internal static class SchemaLeaf
{
    private const int AllShapes = 6;

    /// <summary>The node that stands for the only alternative of another one, or of that one's.</summary>
    public static SchemaNode Resolve(SchemaNode node)
    {
        var seen = new HashSet<SchemaNode>();
        while (node is { Shapes: [], Alternatives: [var only] } && seen.Add(node))
        {
            node = only.Node;
        }

        return node;
    }

    /// <summary>The leaves, in the order of the schema, with the nearest text about each.</summary>
    public static List<SchemaUse> Of(SchemaNode node)
    {
        if (node.Alternatives.Count == 0)
        {
            return [new SchemaUse(SchemaTexts.None, node)];
        }

        var leaves = new List<SchemaUse>();
        var seen = new HashSet<SchemaNode> { node };
        var open = new Stack<SchemaUse>(node.Alternatives.Reverse());
        while (open.TryPop(out var use))
        {
            if (!seen.Add(use.Node))
            {
                continue;
            }

            if (use.Node.Alternatives.Count == 0)
            {
                leaves.Add(use);
            }

            foreach (var nested in use.Node.Alternatives.Reverse())
            {
                open.Push(nested with { Texts = nested.Texts.Or(use.Texts) });
            }
        }

        return leaves;
    }

    /// <summary>Whether any value is allowed.</summary>
    public static bool IsAny(SchemaNode node) =>
        node == SchemaNode.Any || (node.Shapes.Count == AllShapes && node.Shapes.All(IsOpen));

    private static bool IsOpen(SchemaShape shape) => shape switch
    {
        NumberShape number => number.Ranges is null,
        StringShape text => IsOpenText(text),
        ArrayShape array => array is { Prefix: [], MinItems: 0, MaxItems: null, Rest: { } rest } && rest.Node == SchemaNode.Any,
        ObjectShape @object =>
            @object is { Properties: [], Others: [var others] } && others.Value.Node == SchemaNode.Any && IsOpenText(others.Names),
        FixedShape => false,
        _ => true,
    };

    private static bool IsOpenText(StringShape text) =>
        text is { MinLength: 0, MaxLength: null, Patterns: [], NotPatterns: [], Excluded: [], Format: null };
}
