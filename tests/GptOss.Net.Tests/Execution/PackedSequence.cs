using GptOss.Net.Execution;
using GptOss.Net.KVCache;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Execution;

/// <summary>A sequence with fixed blocks of the cache, and the steps that compute parts of it.</summary>
internal sealed record PackedSequence(int[] Tokens, int[] FullBlocks, int[] SlidingBlocks)
{
    /// <summary>The step of some tokens of this sequence alone, with the logits of each.</summary>
    public StepBatch Step(int start, int count, params BlockCopy[] copies) => new()
    {
        TokenIds = Tokens.AsMemory(start, count),
        Positions = Enumerable.Range(start, count).ToArray(),
        SequenceStarts = new[] { 0, count },
        ContextLengths = new[] { start + count },
        Full = Tables(FullBlocks, start, count),
        Sliding = Tables(SlidingBlocks, start, count),
        BlockCopies = copies,
        LogitsRows = Enumerable.Range(0, count).ToArray(),
        Rows = new RowSampling[count],
    };

    private static BlockTables Tables(int[] blocks, int start, int count) => new(
        Enumerable.Range(start, count)
            .Select(position => (blocks[position / PagedKVCache.BlockSize] * PagedKVCache.BlockSize) + (position % PagedKVCache.BlockSize))
            .ToArray(),
        new[] { 0, blocks.Length },
        blocks,
        new int[1]);
}
