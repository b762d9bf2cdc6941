namespace GptOss.Net.KVCache;

/// <summary>Checks that the pools and the block tables of all sequences agree. For tests, after every operation.</summary>
internal static class KVCacheInvariants
{
    /// <summary>All violations; none when the cache is sound.</summary>
    /// <param name="cache">The cache.</param>
    /// <param name="sequences">Every sequence that holds blocks: a block that none of them holds must be free.</param>
    public static IReadOnlyList<string> Violations(PagedKVCache cache, IReadOnlyCollection<SequenceBlocks> sequences)
    {
        var violations = new List<string>();
        foreach (SequenceBlocks sequence in sequences)
        {
            CheckSequence(cache, sequence, violations);
        }

        CheckPool("full", cache.FullPool, sequences, sequence => sequence.Full, violations);
        CheckPool("sliding", cache.SlidingPool, sequences, sequence => sequence.Sliding, violations);
        CheckPrefixes(cache, sequences, violations);
        return violations;
    }

    /// <summary>
    /// Every block that can be found is there, and so is what it continues; a sequence holds the blocks that it continues.
    /// </summary>
    private static void CheckPrefixes(PagedKVCache cache, IReadOnlyCollection<SequenceBlocks> sequences, List<string> violations)
    {
        int known = 0;
        for (int block = 0; block < cache.FullPool.BlockCount; block++)
        {
            if (cache.Prefixes.OfFullBlock(block) is { } prefix)
            {
                known++;
                var found = cache.Prefixes.Find(new PrefixProbe(prefix.Parent, prefix.Salt, prefix.Tokens));
                if (!ReferenceEquals(found, prefix) || prefix.FullBlock != block || prefix.Parent is { IsKnown: false })
                {
                    violations.Add($"the prefix in full block {block} cannot be found");
                }
            }
        }

        for (int block = 0; block < cache.SlidingPool.BlockCount; block++)
        {
            if (cache.Prefixes.OfSlidingBlock(block) is { } prefix && (prefix.SlidingBlock != block || !prefix.IsKnown))
            {
                violations.Add($"the prefix in sliding block {block} lies elsewhere");
            }
        }

        if (known != cache.Prefixes.Count)
        {
            violations.Add($"{cache.Prefixes.Count} prefixes are known, but {known} blocks hold one");
        }

        foreach (var sequence in sequences)
        {
            for (var prefix = sequence.Prefix; prefix is { IsKnown: true }; prefix = prefix.Parent)
            {
                if (sequence.Full.Blocks[prefix.EndBlock - 1] != prefix.FullBlock)
                {
                    violations.Add($"a sequence continues full block {prefix.FullBlock}, but does not hold it");
                }
            }
        }
    }

    private static void CheckSequence(PagedKVCache cache, SequenceBlocks sequence, List<string> violations)
    {
        int endBlock = PagedKVCache.BlockCount(sequence.ReservedTokens);
        int firstVisible = cache.FirstVisibleBlock(sequence.ComputedTokens);
        Expect(
            sequence.ComputedTokens <= sequence.ReservedTokens,
            $"{sequence.ComputedTokens} tokens computed, but only {sequence.ReservedTokens} reserved");
        Expect(sequence.Full.FirstBlock == 0, $"full table begins at block {sequence.Full.FirstBlock}");
        Expect(sequence.Full.EndBlock == endBlock, $"full table ends at block {sequence.Full.EndBlock}, not {endBlock}");
        Expect(
            sequence.Sliding.FirstBlock == firstVisible,
            $"sliding table begins at block {sequence.Sliding.FirstBlock}, not {firstVisible}");
        Expect(
            sequence.Sliding.EndBlock == endBlock,
            $"sliding table ends at block {sequence.Sliding.EndBlock}, not {endBlock}");

        void Expect(bool condition, string violation)
        {
            if (!condition)
            {
                violations.Add($"sequence of {sequence.ReservedTokens} tokens: {violation}");
            }
        }
    }

    private static void CheckPool(
        string kind,
        BlockPool pool,
        IReadOnlyCollection<SequenceBlocks> sequences,
        Func<SequenceBlocks, BlockTable> tableOf,
        List<string> violations)
    {
        var holders = new BlockHolders[pool.BlockCount];
        foreach (SequenceBlocks sequence in sequences)
        {
            BlockTable table = tableOf(sequence);
            int completeBlocks = sequence.ComputedTokens / PagedKVCache.BlockSize;
            for (int i = 0; i < table.Blocks.Count; i++)
            {
                int block = table.Blocks[i];
                if ((uint)block >= (uint)pool.BlockCount)
                {
                    violations.Add($"{kind} block {block} does not exist");
                    continue;
                }

                holders[block] = holders[block].With(table.FirstBlock + i, completeBlocks);
            }
        }

        for (int block = 0; block < pool.BlockCount; block++)
        {
            CheckBlock(kind, block, pool.ReferenceCount(block), holders[block], violations);
        }

        CheckFreeBlocks(kind, pool, violations);
    }

    private static void CheckBlock(string kind, int block, int references, BlockHolders holders, List<string> violations)
    {
        if (references != holders.Count)
        {
            violations.Add($"{kind} block {block} has {references} references, but {holders.Count} tables hold it");
        }

        if (holders.AreAtDifferentPositions)
        {
            violations.Add($"{kind} block {block} is shared at different positions");
        }

        if (holders is { Count: > 1, IsWrittenTo: true })
        {
            violations.Add($"{kind} block {block} is shared, but a sequence still writes to it");
        }
    }

    private static void CheckFreeBlocks(string kind, BlockPool pool, List<string> violations)
    {
        var listed = new bool[pool.BlockCount];
        int count = 0;
        foreach (int block in pool.FreeBlocks())
        {
            count++;
            if (listed[block])
            {
                // A ring that lost its sentinel would not end.
                violations.Add($"{kind} block {block} is listed as free twice");
                break;
            }

            listed[block] = true;
            if (pool.ReferenceCount(block) != 0)
            {
                violations.Add($"{kind} block {block} is listed as free, but has references");
            }
        }

        int unreferenced = 0;
        for (int block = 0; block < pool.BlockCount; block++)
        {
            unreferenced += pool.ReferenceCount(block) == 0 ? 1 : 0;
        }

        if (count != pool.FreeCount || unreferenced != pool.FreeCount)
        {
            violations.Add(
                $"{kind} pool counts {pool.FreeCount} free blocks, but lists {count}, and {unreferenced} have no references");
        }
    }

    /// <summary>Which tables hold a block.</summary>
    /// <param name="Count">How many do.</param>
    /// <param name="Index">The block's place in the first of their sequences.</param>
    /// <param name="AreAtDifferentPositions">Whether it has another place in some sequence.</param>
    /// <param name="IsWrittenTo">Whether some sequence has not computed all of it.</param>
    private readonly record struct BlockHolders(int Count, int Index, bool AreAtDifferentPositions, bool IsWrittenTo)
    {
        public BlockHolders With(int index, int completeBlocks) => new(
            Count + 1,
            Count == 0 ? index : Index,
            AreAtDifferentPositions || (Count > 0 && index != Index),
            IsWrittenTo || index >= completeBlocks);
    }
}
