using GptOss.Net.Model;

namespace GptOss.Net.KVCache;

/// <summary>Decides which blocks hold which sequence: one pool for the full layers, one for the sliding layers.</summary>
/// <remarks>
/// Holds no keys and values: a block id names the same block of every layer of its kind, on whichever device that layer
/// lies. A block that sequences share is complete and never written again; the block that a sequence writes to is its
/// own. Used by one thread, the engine's.
/// </remarks>
internal sealed class PagedKVCache
{
    /// <summary>How many tokens a block holds.</summary>
    public const int BlockSize = 16;

    private readonly int _slidingWindow;

    public PagedKVCache(KVCacheCapacity capacity, int slidingWindow)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(slidingWindow);
        _slidingWindow = slidingWindow;
        FullPool = new BlockPool(capacity.FullBlocks);
        SlidingPool = new BlockPool(capacity.SlidingBlocks);
    }

    public BlockPool FullPool { get; }

    public BlockPool SlidingPool { get; }

    public KVCacheUsage Usage =>
        new(FullPool.UsedCount, FullPool.BlockCount, SlidingPool.UsedCount, SlidingPool.BlockCount);

    /// <summary>How many blocks hold so many tokens.</summary>
    public static int BlockCount(int tokens) => (int)((tokens + (long)BlockSize - 1) / BlockSize);

    /// <summary>The first block that a token at <paramref name="position"/> sees in a sliding layer.</summary>
    public int FirstVisibleBlock(int position) => Math.Max(0, position - _slidingWindow + 1) / BlockSize;

    /// <summary>
    /// Makes room for the next <paramref name="newTokens"/> tokens behind the computed ones, in both kinds, or changes
    /// nothing. Room that a step reserved and did not use counts: asking again takes no more blocks.
    /// </summary>
    /// <returns><see langword="false"/> when one of the pools has too few free blocks.</returns>
    public bool TryReserve(SequenceBlocks sequence, int newTokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(newTokens);
        int reserved = Math.Max(sequence.ReservedTokens, checked(sequence.ComputedTokens + newTokens));
        int endBlock = BlockCount(reserved);
        if (endBlock - sequence.Full.EndBlock > FullPool.FreeCount
            || endBlock - sequence.Sliding.EndBlock > SlidingPool.FreeCount)
        {
            return false;
        }

        Extend(FullPool, sequence.Full, endBlock);
        Extend(SlidingPool, sequence.Sliding, endBlock);
        sequence.ReservedTokens = reserved;
        return true;
    }

    /// <summary>
    /// Records that the first <paramref name="computedTokens"/> tokens are in the cache, and frees the sliding blocks that
    /// no later token can see.
    /// </summary>
    public void ReleaseBehindWindow(SequenceBlocks sequence, int computedTokens)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(computedTokens, sequence.ComputedTokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(computedTokens, sequence.ReservedTokens);
        int behind = FirstVisibleBlock(computedTokens) - sequence.Sliding.FirstBlock;
        for (int i = 0; i < behind; i++)
        {
            SlidingPool.Release(sequence.Sliding.Blocks[i]);
        }

        sequence.Sliding.RemoveFirst(behind);
        sequence.ComputedTokens = computedTokens;
    }

    /// <summary>Gives up all blocks of a sequence, which is then empty and can start again.</summary>
    public void Free(SequenceBlocks sequence)
    {
        Clear(FullPool, sequence.Full);
        Clear(SlidingPool, sequence.Sliding);
        sequence.ReservedTokens = 0;
        sequence.ComputedTokens = 0;
    }

    /// <summary>
    /// Starts a second sequence that continues from the computed tokens of <paramref name="sequence"/>. Their complete
    /// blocks are shared; an incomplete last block is copied, because both will write to it.
    /// </summary>
    /// <param name="sequence">The sequence to continue; it does not change.</param>
    /// <param name="copies">Receives the copies to perform before the next step.</param>
    /// <returns>The new sequence, or <see langword="null"/> when no block is free for a copy.</returns>
    public SequenceBlocks? Fork(SequenceBlocks sequence, ICollection<BlockCopy> copies)
    {
        bool hasPartialBlock = sequence.ComputedTokens % BlockSize != 0;
        if (hasPartialBlock && (FullPool.FreeCount == 0 || SlidingPool.FreeCount == 0))
        {
            return null;
        }

        var fork = new SequenceBlocks
        {
            ReservedTokens = sequence.ComputedTokens,
            ComputedTokens = sequence.ComputedTokens,
        };
        ForkTable(AttentionKind.Full, FullPool, sequence.Full, fork.Full);
        ForkTable(AttentionKind.Sliding, SlidingPool, sequence.Sliding, fork.Sliding);
        return fork;

        void ForkTable(AttentionKind kind, BlockPool pool, BlockTable source, BlockTable target)
        {
            Share(pool, source, target, endBlock: sequence.ComputedTokens / BlockSize);
            if (hasPartialBlock)
            {
                int copy = pool.Allocate();
                copies.Add(new BlockCopy(kind, source.Blocks[target.Blocks.Count], copy));
                target.Append(copy);
            }
        }
    }

    private static void Extend(BlockPool pool, BlockTable table, int endBlock)
    {
        while (table.EndBlock < endBlock)
        {
            table.Append(pool.Allocate());
        }
    }

    private static void Share(BlockPool pool, BlockTable source, BlockTable target, int endBlock)
    {
        target.StartAt(source.FirstBlock);
        while (target.EndBlock < endBlock)
        {
            int block = source.Blocks[target.Blocks.Count];
            pool.AddReference(block);
            target.Append(block);
        }
    }

    // From the end, so that the beginning of a prefix, which more sequences share, stays unused for the shorter time.
    private static void Clear(BlockPool pool, BlockTable table)
    {
        for (int i = table.Blocks.Count - 1; i >= 0; i--)
        {
            pool.Release(table.Blocks[i]);
        }

        table.Clear();
    }
}
