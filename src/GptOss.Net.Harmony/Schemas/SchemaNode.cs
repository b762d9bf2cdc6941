namespace GptOss.Net.Harmony;

/// <summary>
/// The values that a schema allows: those of any of its alternatives and shapes. Nodes refer to each other in cycles; they don't change
/// once read.
/// </summary>
internal sealed class SchemaNode(SchemaPath path)
{
    /// <summary>The depth of a value that nests forever.</summary>
    public const int Endless = int.MaxValue;

    /// <summary>Any value.</summary>
    public static readonly SchemaNode Any = new(SchemaPath.Root) { MinDepth = 0 };

    private List<SchemaUse> _alternatives = [];
    private List<SchemaShape> _shapes = [];

    /// <summary>Where its schema is.</summary>
    public SchemaPath Path => path;

    /// <summary>Further nodes whose values it allows, with what the schema says about each.</summary>
    public IReadOnlyList<SchemaUse> Alternatives => _alternatives;

    /// <summary>The shapes that its values may have.</summary>
    public IReadOnlyList<SchemaShape> Shapes => _shapes;

    /// <summary>How many levels of arrays and objects the shallowest value has; <see cref="Endless"/> if there is no value.</summary>
    public int MinDepth { get; private set; } = Endless;

    /// <summary>Whether there is a value.</summary>
    public bool HasValues => MinDepth <= SchemaLimits.MaxAnswerDepth;

    public void Add(SchemaUse alternative) => _alternatives.Add(alternative);

    public void Add(SchemaShape shape) => _shapes.Add(shape);

    /// <summary>The nodes that are looked at where one value of this node is written.</summary>
    public IEnumerable<SchemaNode> Parts()
    {
        foreach (var alternative in _alternatives)
        {
            yield return alternative.Node;
        }

        foreach (var shape in _shapes)
        {
            foreach (var part in shape.Parts())
            {
                yield return part;
            }
        }
    }

    /// <summary>The nodes that any value of a shape needs.</summary>
    public IEnumerable<SchemaNode> Required() => _shapes.SelectMany(shape => shape.Required());

    /// <summary>Computes <see cref="MinDepth"/> from the present depths of the parts; true if it changed.</summary>
    public bool UpdateMinDepth()
    {
        var depth = Endless;
        foreach (var alternative in _alternatives)
        {
            depth = Math.Min(depth, alternative.Node.MinDepth);
        }

        foreach (var shape in _shapes)
        {
            depth = Math.Min(depth, shape.MinDepth());
        }

        var changed = depth != MinDepth;
        MinDepth = depth;
        return changed;
    }

    /// <summary>Leaves out what has no values.</summary>
    public void Prune()
    {
        if (_alternatives.Count > 0)
        {
            _alternatives = [.. _alternatives.Where(alternative => alternative.Node.HasValues).DistinctBy(alternative => alternative.Node)];
        }

        if (Parts().Any(part => !part.HasValues))
        {
            _shapes = [.. _shapes.Where(shape => shape.MinDepth() <= SchemaLimits.MaxAnswerDepth).Select(shape => shape.Pruned())];
        }
    }
}
