using GptOss.Net.Model;

namespace GptOss.Net.KVCache;

/// <summary>Decides which blocks hold which sequence: one pool for the full layers, one for the sliding layers.</summary>
/// <remarks>
/// Holds no keys and values: a block id names the same block of every layer of its kind, on whichever device that layer
/// lies. A block that sequences share is complete and never written again; the block that a sequence writes to is its
/// own. A complete block can be found by its tokens until it is handed out for others. Used by one thread, the engine's.
/// </remarks>
internal sealed class PagedKVCache
{
    /// <summary>How many tokens a block holds.</summary>
    public const int BlockSize = 16;

    private readonly int _slidingWindow;

    /// <param name="capacity">The blocks.</param>
    /// <param name="slidingWindow">How many tokens a sliding layer sees, the current one included.</param>
    /// <param name="mostIdle">
    /// The most blocks that are kept for what they hold while others were never used, where these cost memory; <see langword="null"/>: all.
    /// </param>
    public PagedKVCache(KVCacheCapacity capacity, int slidingWindow, KVCacheCapacity? mostIdle = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(slidingWindow);
        _slidingWindow = slidingWindow;
        FullPool = new BlockPool(capacity.FullBlocks, mostIdle?.FullBlocks ?? int.MaxValue);
        SlidingPool = new BlockPool(capacity.SlidingBlocks, mostIdle?.SlidingBlocks ?? int.MaxValue);
        Prefixes = new PrefixIndex(capacity);
    }

    public BlockPool FullPool { get; }

    public BlockPool SlidingPool { get; }

    /// <summary>Gets what complete blocks hold, in use or free.</summary>
    public PrefixIndex Prefixes { get; }

    public KVCacheUsage Usage =>
        new(FullPool.UsedCount, FullPool.BlockCount, SlidingPool.UsedCount, SlidingPool.BlockCount)
        {
            FullBlocksTouched = FullPool.TouchedCount,
            SlidingBlocksTouched = SlidingPool.TouchedCount,
        };

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

        while (sequence.Full.EndBlock < endBlock)
        {
            sequence.Full.Append(AllocateFull());
            sequence.Sliding.Append(AllocateSliding());
        }

        sequence.ReservedTokens = reserved;
        return true;
    }

    /// <summary>How many of the first tokens of a sequence are in the cache, for both kinds: a multiple of 16.</summary>
    public int KnownTokens(string? salt, ReadOnlySpan<int> tokens) => LongestPrefix(salt, tokens).Count * BlockSize;

    /// <summary>
    /// Gives an empty sequence the blocks of as many of its first tokens as are in the cache, for both kinds. At least the last token
    /// is left to compute: its logits are wanted.
    /// </summary>
    /// <param name="sequence">An empty sequence; its computed tokens then are those that were found, a multiple of 16.</param>
    /// <param name="tokens">All its tokens.</param>
    public void AttachPrefix(SequenceBlocks sequence, ReadOnlySpan<int> tokens)
    {
        var blocks = LongestPrefix(sequence.CacheSalt, tokens);
        if (blocks.Count == 0)
        {
            return;
        }

        sequence.Prefix = blocks[^1];
        sequence.ComputedTokens = sequence.ReservedTokens = blocks.Count * BlockSize;
        sequence.Sliding.StartAt(FirstVisibleBlock(sequence.ComputedTokens));
        foreach (var block in blocks)
        {
            FullPool.Take(block.FullBlock);
            sequence.Full.Append(block.FullBlock);
            if (block.EndBlock > sequence.SlidingFirstBlock)
            {
                SlidingPool.Take(block.SlidingBlock);
                sequence.Sliding.Append(block.SlidingBlock);
            }
        }
    }

    /// <summary>
    /// Records that the first <paramref name="computedTokens"/> of a sequence's tokens are in the cache: other sequences can find
    /// them from now on.
    /// </summary>
    public void Commit(SequenceBlocks sequence, ReadOnlySpan<int> tokens, int computedTokens)
    {
        for (int index = sequence.Prefix?.EndBlock ?? 0; index < computedTokens / BlockSize; index++)
        {
            if (sequence.Prefix is { IsKnown: false })
            {
                // Everything was forgotten meanwhile; nobody could find what continues it.
                break;
            }

            Publish(sequence, index, tokens.Slice(index * BlockSize, BlockSize));
        }

        ReleaseBehindWindow(sequence, computedTokens);
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
            ReleaseSliding(sequence.Sliding.Blocks[i], (sequence.Sliding.FirstBlock + i) * BlockSize < sequence.PromptLength);
        }

        sequence.Sliding.RemoveFirst(behind);
        sequence.ComputedTokens = computedTokens;
    }

    /// <summary>Gives up all blocks of a sequence, which is then empty and can start again.</summary>
    public void Free(SequenceBlocks sequence)
    {
        // From the end, so that the beginning of a prefix, which more sequences share, stays unused for the shorter time.
        for (int i = sequence.Full.Blocks.Count - 1; i >= 0; i--)
        {
            int block = sequence.Full.Blocks[i];
            FullPool.Release(block, isWorthless: Prefixes.OfFullBlock(block) is null);
        }

        for (int i = sequence.Sliding.Blocks.Count - 1; i >= 0; i--)
        {
            ReleaseSliding(sequence.Sliding.Blocks[i], isReusable: true);
        }

        sequence.Full.Clear();
        sequence.Sliding.Clear();
        sequence.Prefix = null;
        sequence.ReservedTokens = 0;
        sequence.ComputedTokens = 0;
    }

    /// <summary>Forgets what the blocks hold, because it may be wrong. Sequences keep their blocks.</summary>
    public void ForgetPrefixes() => Prefixes.Clear();

    /// <summary>
    /// Starts a second sequence that continues from the computed tokens of <paramref name="sequence"/>. Their complete
    /// blocks are shared; an incomplete last block is copied, because both will write to it.
    /// </summary>
    /// <param name="sequence">The sequence to continue; it does not change.</param>
    /// <param name="fork">An empty sequence, which becomes the second one.</param>
    /// <param name="copies">Receives the copies to perform before the next step.</param>
    /// <returns><see langword="false"/>, and nothing changes, when no block is free for a copy.</returns>
    public bool TryFork(SequenceBlocks sequence, SequenceBlocks fork, ICollection<BlockCopy> copies)
    {
        bool hasPartialBlock = sequence.ComputedTokens % BlockSize != 0;
        if (hasPartialBlock && (FullPool.FreeCount == 0 || SlidingPool.FreeCount == 0))
        {
            return false;
        }

        fork.ReservedTokens = fork.ComputedTokens = sequence.ComputedTokens;
        fork.Prefix = sequence.Prefix;
        ForkTable(AttentionKind.Full, FullPool, sequence.Full, fork.Full, AllocateFull);
        ForkTable(AttentionKind.Sliding, SlidingPool, sequence.Sliding, fork.Sliding, AllocateSliding);
        return true;

        void ForkTable(AttentionKind kind, BlockPool pool, BlockTable source, BlockTable target, Func<int> allocate)
        {
            Share(pool, source, target, endBlock: sequence.ComputedTokens / BlockSize);
            if (hasPartialBlock)
            {
                int copy = allocate();
                copies.Add(new BlockCopy(kind, source.Blocks[target.Blocks.Count], copy));
                target.Append(copy);
            }
        }
    }

    /// <summary>The blocks of the most first tokens of which both kinds have what the next token sees.</summary>
    private List<PrefixBlock> LongestPrefix(string? salt, ReadOnlySpan<int> tokens)
    {
        var blocks = new List<PrefixBlock>();
        int longest = 0;
        int withSliding = 0; // how many of the last blocks found are there for the sliding layers too
        for (int start = 0; start + BlockSize < tokens.Length; start += BlockSize)
        {
            var parent = blocks.Count == 0 ? null : blocks[^1];
            if (Prefixes.Find(new PrefixProbe(parent, salt, tokens.Slice(start, BlockSize))) is not { } block)
            {
                break;
            }

            blocks.Add(block);
            withSliding = block.SlidingBlock == PrefixBlock.None ? 0 : withSliding + 1;
            if (withSliding >= blocks.Count - FirstVisibleBlock(blocks.Count * BlockSize))
            {
                longest = blocks.Count;
            }
        }

        blocks.RemoveRange(longest, blocks.Count - longest);
        return blocks;
    }

    /// <summary>Makes a complete block known, or takes the one that is known to hold the same.</summary>
    private void Publish(SequenceBlocks sequence, int index, ReadOnlySpan<int> tokens)
    {
        var probe = new PrefixProbe(sequence.Prefix, sequence.CacheSalt, tokens);
        int own = sequence.Full.Blocks[index];
        var block = Prefixes.Find(probe) ?? Prefixes.Add(probe, own);
        if (block.FullBlock != own)
        {
            // Two computed the same at once. Holding the known block keeps it in the cache for as long as what continues it.
            FullPool.Take(block.FullBlock);
            FullPool.Release(own, isWorthless: true);
            sequence.Full.Replace(index, block.FullBlock);
        }

        if (block.SlidingBlock == PrefixBlock.None && index >= sequence.SlidingFirstBlock)
        {
            Prefixes.SetSliding(block, sequence.Sliding.Blocks[index - sequence.SlidingFirstBlock]);
        }

        sequence.Prefix = block;
    }

    private int AllocateFull()
    {
        int block = FullPool.Allocate();
        Prefixes.ForgetFull(block);
        return block;
    }

    private int AllocateSliding()
    {
        int block = SlidingPool.Allocate();
        Prefixes.ForgetSliding(block);
        return block;
    }

    private void ReleaseSliding(int block, bool isReusable) =>
        SlidingPool.Release(block, isWorthless: !isReusable || Prefixes.OfSlidingBlock(block) is null);

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
}
