namespace GptOss.Net.Harmony;

/// <summary>An array.</summary>
/// <param name="Prefix">The first items.</param>
/// <param name="Rest">All others; null if there may be none.</param>
/// <param name="MinItems">The least number of items.</param>
/// <param name="MaxItems">The greatest number of items; null if there is no bound.</param>
internal sealed record ArrayShape(IReadOnlyList<SchemaUse> Prefix, SchemaUse? Rest, int MinItems, int? MaxItems) : SchemaShape
{
    public override IEnumerable<SchemaNode> Parts()
    {
        foreach (var use in Prefix)
        {
            yield return use.Node;
        }

        if (Rest is not null)
        {
            yield return Rest.Node;
        }
    }

    public override IEnumerable<SchemaNode> Required() => Parts().Take(MinItems);

    public override int MinDepth()
    {
        var depth = 0;
        for (var i = 0; i < Math.Min(MinItems, Prefix.Count + 1); i++)
        {
            depth = Math.Max(depth, (i < Prefix.Count ? Prefix[i] : Rest)?.Node.MinDepth ?? SchemaNode.Endless);
        }

        return Around(depth);
    }

    public override SchemaShape Pruned()
    {
        // An item without values ends the array.
        var count = Prefix.TakeWhile(use => use.Node.HasValues).Count();
        return this with
        {
            Prefix = [.. Prefix.Take(count)],
            Rest = count == Prefix.Count && Rest is { Node.HasValues: true } ? Rest : null,
        };
    }
}
