using GptOss.Net.Execution;
using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Execution;

/// <summary>A sequence with fixed blocks of the cache, and the steps that compute parts of it.</summary>
internal sealed record PackedSequence(int[] Tokens, int[] FullBlocks, int[] SlidingBlocks)
{
    /// <summary>The step of some tokens of this sequence alone, with the logits of each.</summary>
    public StepBatch Step(int start, int count, params BlockCopy[] copies) => new()
    {
        TokenIds = Tokens[start..(start + count)],
        Positions = [.. Enumerable.Range(start, count)],
        FullSlots = Slots(FullBlocks, start, count),
        SlidingSlots = Slots(SlidingBlocks, start, count),
        BlockCopies = copies,
        Sequences =
        [
            new SequenceSlice
            {
                TokenStart = 0,
                TokenCount = count,
                ContextLength = start + count,
                FullBlocks = FullBlocks,
                SlidingBlocks = SlidingBlocks,
                SlidingFirstBlock = 0,
            },
        ],
        LogitsRows = [.. Enumerable.Range(0, count)],
    };

    private static int[] Slots(int[] blocks, int start, int count) =>
    [
        .. Enumerable.Range(start, count)
            .Select(position => (blocks[position / PagedKVCache.BlockSize] * PagedKVCache.BlockSize) + (position % PagedKVCache.BlockSize)),
    ];
}
