namespace GptOss.Net.Harmony;

/// <summary>An object.</summary>
/// <param name="Properties">The declared properties in their order.</param>
/// <param name="Others">What other names may stand for; none if there may be no others.</param>
internal sealed record ObjectShape(IReadOnlyList<SchemaProperty> Properties, IReadOnlyList<OtherProperties> Others) : SchemaShape
{
    public override IEnumerable<SchemaNode> Parts()
    {
        foreach (var property in Properties)
        {
            yield return property.Value.Node;
        }

        foreach (var other in Others)
        {
            yield return other.Value.Node;
        }
    }

    public override IEnumerable<SchemaNode> Required() =>
        Properties.Where(property => property.IsRequired).Select(property => property.Value.Node);

    public override int MinDepth()
    {
        var depth = 0;
        foreach (var property in Properties)
        {
            depth = property.IsRequired ? Math.Max(depth, property.Value.Node.MinDepth) : depth;
        }

        return Around(depth);
    }

    public override SchemaShape Pruned() => this with
    {
        Properties = [.. Properties.Where(property => property.Value.Node.HasValues)],
        Others = [.. Others.Where(other => other.Value.Node.HasValues)],
    };
}
