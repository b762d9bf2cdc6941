namespace GptOss.Net.Harmony;

/// <summary>One kind of value that a schema allows: numbers, strings, objects and so on, with their bounds.</summary>
internal abstract record SchemaShape
{
    /// <summary>The bounds in the words of the schema, such as <c>minimum: 1</c>.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The nodes of values within the value.</summary>
    public virtual IEnumerable<SchemaNode> Parts() => [];

    /// <summary>Those of them that every such value holds.</summary>
    public virtual IEnumerable<SchemaNode> Required() => [];

    /// <summary>How many levels of arrays and objects the shallowest such value has, by the present depths of the parts.</summary>
    public virtual int MinDepth() => 0;

    /// <summary>The same shape without parts that have no values.</summary>
    public virtual SchemaShape Pruned() => this;

    protected static int Around(int depth) => depth == SchemaNode.Endless ? SchemaNode.Endless : depth + 1;
}
