namespace GptOss.Net.Execution;

/// <summary>Where the tokens of a step's sequences lie in the layers of one kind.</summary>
/// <param name="Slots">Where each token's key and value go: <c>block · 16 + offset</c>, <c>[tokens]</c>.</param>
/// <param name="Starts">Where each sequence's table begins in <paramref name="Blocks"/>, and its end, <c>[sequences + 1]</c>.</param>
/// <param name="Blocks">The tables, one after the other: entry <c>i</c> of one holds positions <c>16 (i + first block) …</c>.</param>
/// <param name="FirstBlocks">The index, within each sequence, of the first block that its table has, <c>[sequences]</c>.</param>
internal readonly record struct BlockTables(
    ReadOnlyMemory<int> Slots, ReadOnlyMemory<int> Starts, ReadOnlyMemory<int> Blocks, ReadOnlyMemory<int> FirstBlocks)
{
    /// <summary>The table of one sequence.</summary>
    public ReadOnlySpan<int> Of(int sequence) => Blocks.Span[Starts.Span[sequence]..Starts.Span[sequence + 1]];
}
