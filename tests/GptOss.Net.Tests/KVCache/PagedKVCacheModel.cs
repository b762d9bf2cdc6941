using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.KVCache;

/// <summary>
/// A cache together with a model of its contents: each slot holds the token last written to it, and each sequence
/// remembers its tokens. Every token is unique, so a slot that is used twice shows at once.
/// </summary>
internal sealed class PagedKVCacheModel
{
    private const int Empty = -1;

    private readonly PagedKVCache _cache;
    private readonly int _window;
    private readonly int[] _fullSlots;
    private readonly int[] _slidingSlots;
    private readonly List<(SequenceBlocks Blocks, List<int> Tokens)> _sequences = [];
    private int _nextToken;

    public PagedKVCacheModel(int fullBlocks, int slidingBlocks, int window)
    {
        _cache = new PagedKVCache(new KVCacheCapacity(fullBlocks, slidingBlocks), window);
        _window = window;
        _fullSlots = new int[fullBlocks * PagedKVCache.BlockSize];
        _slidingSlots = new int[slidingBlocks * PagedKVCache.BlockSize];
    }

    public void Apply(CacheOperation operation)
    {
        int index = _sequences.Count == 0 ? -1 : operation.Target % _sequences.Count;
        switch (operation.Kind)
        {
            case CacheOperationKind.Start when _sequences.Count < 8:
                _sequences.Add((new SequenceBlocks(), []));
                break;
            case CacheOperationKind.Compute when index >= 0:
                Compute(index, operation.Tokens);
                break;
            case CacheOperationKind.Fork when index >= 0:
                Fork(index);
                break;
            case CacheOperationKind.Preempt when index >= 0:
                Preempt(index);
                break;
            case CacheOperationKind.Finish when index >= 0:
                _cache.Free(_sequences[index].Blocks);
                _sequences.RemoveAt(index);
                break;
        }

        Check();
    }

    public void FinishAll()
    {
        _sequences.ForEach(sequence => _cache.Free(sequence.Blocks));
        _sequences.Clear();
        Check();
    }

    /// <summary>A step: reserve, write, and let the window move on. Or, one time in four, a step that fails before it writes.</summary>
    private void Compute(int index, int newTokens)
    {
        (SequenceBlocks blocks, List<int> tokens) = _sequences[index];
        int end = tokens.Count + newTokens;
        if (!ReserveAsExpected(blocks, end - blocks.ComputedTokens) || newTokens % 4 == 3)
        {
            return;
        }

        for (int position = blocks.ComputedTokens; position < end; position++)
        {
            if (position == tokens.Count)
            {
                tokens.Add(_nextToken++);
            }

            _fullSlots[blocks.Full.Slot(position)] = tokens[position];
            _slidingSlots[blocks.Sliding.Slot(position)] = tokens[position];
        }

        _cache.ReleaseBehindWindow(blocks, end);
    }

    private bool ReserveAsExpected(SequenceBlocks blocks, int newTokens)
    {
        int needed = ((blocks.ComputedTokens + newTokens + 15) / 16) - ((blocks.ReservedTokens + 15) / 16);
        bool expected = needed <= FreeBlocks(s => s.Full, _cache.FullPool)
            && needed <= FreeBlocks(s => s.Sliding, _cache.SlidingPool);
        _cache.TryReserve(blocks, newTokens).Should().Be(expected);
        return expected;
    }

    private int FreeBlocks(Func<SequenceBlocks, BlockTable> table, BlockPool pool) =>
        pool.BlockCount - _sequences.SelectMany(sequence => table(sequence.Blocks).Blocks).Distinct().Count();

    private void Fork(int index)
    {
        (SequenceBlocks blocks, List<int> tokens) = _sequences[index];
        var copies = new List<BlockCopy>();
        if (_sequences.Count == 8 || _cache.Fork(blocks, copies) is not { } fork)
        {
            return;
        }

        foreach (BlockCopy copy in copies)
        {
            int[] slots = copy.Kind == AttentionKind.Full ? _fullSlots : _slidingSlots;
            slots.AsSpan(copy.Source * 16, 16).CopyTo(slots.AsSpan(copy.Destination * 16, 16));
        }

        _sequences.Add((fork, tokens[..blocks.ComputedTokens]));
    }

    // Keeps the tokens: the next step computes them again.
    private void Preempt(int index) => _cache.Free(_sequences[index].Blocks);

    private void Check()
    {
        List<SequenceBlocks> all = _sequences.ConvertAll(sequence => sequence.Blocks);
        IReadOnlyList<string> violations = KVCacheInvariants.Violations(_cache, all);
        if (violations.Count > 0)
        {
            throw new InvalidOperationException(string.Join(Environment.NewLine, violations));
        }

        Poison(_cache.FullPool, _fullSlots);
        Poison(_cache.SlidingPool, _slidingSlots);
        foreach ((SequenceBlocks blocks, List<int> tokens) in _sequences)
        {
            CheckContents("full", blocks.Full, _fullSlots, tokens, 0, blocks.ComputedTokens);
            int firstVisible = Math.Max(0, blocks.ComputedTokens - _window + 1);
            CheckContents("sliding", blocks.Sliding, _slidingSlots, tokens, firstVisible, blocks.ComputedTokens);
        }
    }

    private static void Poison(BlockPool pool, int[] slots)
    {
        foreach (int block in pool.FreeBlocks())
        {
            slots.AsSpan(block * 16, 16).Fill(Empty);
        }
    }

    private static void CheckContents(string kind, BlockTable table, int[] slots, List<int> tokens, int start, int end)
    {
        for (int position = start; position < end; position++)
        {
            if (slots[table.Slot(position)] != tokens[position])
            {
                throw new InvalidOperationException(
                    $"{kind} position {position}: token {slots[table.Slot(position)]}, not {tokens[position]}");
            }
        }
    }
}
