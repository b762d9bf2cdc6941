namespace GptOss.Net.StructuredOutput.Json;

/// <summary>An array: first items with a rule each, then items that share one, with bounds for their number.</summary>
/// <param name="prefix">The rules of the first items.</param>
/// <param name="rest">The rule of all other items; null if there may be none.</param>
/// <param name="minItems">The least number of items.</param>
/// <param name="maxItems">The greatest number of items; null if there is no bound.</param>
/// <param name="minDepth">How many levels of arrays and objects the shallowest such array has.</param>
internal sealed class ArrayForm(IReadOnlyList<ValueRule> prefix, ValueRule? rest, int minItems, int? maxItems, int minDepth) : ValueForm
{
    public override int MinDepth => minDepth;

    public int MinItems => minItems;

    public override TextState Start(TextState next, int depth) => new ArrayText(this, ArrayPart.Start, 0, depth, next);

    /// <summary>Whether item number <paramref name="index"/> may come, with so many levels left for it.</summary>
    public bool CanHold(int index, int depth) => !(index >= maxItems) && Item(index) is { } item && item.MinDepth <= depth;

    /// <summary>The rule of item number <paramref name="index"/>.</summary>
    public ValueRule? Item(int index) => index < prefix.Count ? prefix[index] : rest;

    /// <summary>The number of items, or a smaller one from where nothing changes any more.</summary>
    public int Saturate(int count) => maxItems is null ? Math.Min(count, Math.Max(minItems, prefix.Count)) : count;
}
