using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.KVCache;

/// <summary>
/// A cache together with a model of its contents: each slot holds what was last written to it, and each sequence
/// remembers its tokens. What a position's keys and values depend on, all tokens up to it, is one number; so a slot that is used
/// twice, or handed out for another beginning, shows at once.
/// </summary>
internal sealed class PagedKVCacheModel
{
    private const int MaxSequences = 8;
    private const long Poison = -1;
    private const int BlockSize = PagedKVCache.BlockSize;

    private readonly PagedKVCache _cache;
    private readonly int _window;
    private readonly long[] _fullSlots;
    private readonly long[] _slidingSlots;
    private readonly List<CachedSequence> _sequences = [];
    private readonly List<int[]> _texts = []; // what earlier sequences held, to begin with again
    private int _nextToken;

    public PagedKVCacheModel(int fullBlocks, int slidingBlocks, int window)
    {
        _cache = new PagedKVCache(new KVCacheCapacity(fullBlocks, slidingBlocks), window);
        _window = window;
        _fullSlots = new long[fullBlocks * BlockSize];
        _slidingSlots = new long[slidingBlocks * BlockSize];
    }

    /// <summary>Gets how many blocks were found that an earlier sequence had computed.</summary>
    public int HitBlocks { get; private set; }

    public void Apply(CacheOperation operation)
    {
        var sequence = _sequences.Count == 0 ? null : _sequences[operation.Target % _sequences.Count];
        switch (operation.Kind)
        {
            case CacheOperationKind.Start when _sequences.Count < MaxSequences:
                Start(operation);
                break;
            case CacheOperationKind.Compute when sequence is not null:
                Compute(sequence, operation.Tokens);
                break;
            case CacheOperationKind.Fork when sequence is not null:
                Fork(sequence);
                break;
            case CacheOperationKind.Preempt when sequence is not null:
                // It keeps its tokens: the next step computes or finds them again.
                _cache.Free(sequence.Blocks);
                break;
            case CacheOperationKind.Finish when sequence is not null:
                Finish(sequence);
                break;
            case CacheOperationKind.Forget:
                _cache.ForgetPrefixes();
                break;
        }

        Check();
    }

    public void FinishAll()
    {
        while (_sequences.Count > 0)
        {
            Finish(_sequences[^1]);
        }

        Check();
        _cache.Usage.Fraction.Should().Be(0);
    }

    /// <summary>A new text, or the beginning of an earlier one.</summary>
    private void Start(CacheOperation operation)
    {
        int[] tokens = _texts.Count == 0 || operation.Tokens % 3 == 0 ? [] : _texts[operation.Target % _texts.Count];
        _sequences.Add(new CachedSequence([.. tokens.Take(operation.Tokens * 7)], operation.Target % 4 == 3 ? "tenant" : null));
    }

    private void Finish(CachedSequence sequence)
    {
        _texts.Add([.. sequence.Tokens]);
        if (_texts.Count > 6)
        {
            _texts.RemoveAt(0);
        }

        _cache.Free(sequence.Blocks);
        _sequences.Remove(sequence);
    }

    /// <summary>A step: reserve, write, and let the window move on. Or, one time in four, a step that fails before it writes.</summary>
    private void Compute(CachedSequence sequence, int newTokens)
    {
        var (blocks, tokens) = (sequence.Blocks, sequence.Tokens);
        if (blocks.ReservedTokens == 0)
        {
            Attach(sequence);
        }

        int end = tokens.Count + newTokens;
        if (!ReserveAsExpected(blocks, end - blocks.ComputedTokens) || newTokens % 4 == 3)
        {
            return;
        }

        while (tokens.Count < end)
        {
            tokens.Add(_nextToken++);
        }

        for (int position = blocks.ComputedTokens; position < end; position++)
        {
            _fullSlots[blocks.Full.Slot(position)] = sequence.Value(position);
            _slidingSlots[blocks.Sliding.Slot(position)] = sequence.Value(position);
        }

        _cache.Commit(blocks, tokens.ToArray(), end);
    }

    private void Attach(CachedSequence sequence)
    {
        _cache.AttachPrefix(sequence.Blocks, sequence.Tokens.ToArray());
        sequence.Blocks.ComputedTokens.Should().BeLessThan(Math.Max(1, sequence.Tokens.Count), "the last token's logits are wanted");
        HitBlocks += sequence.Blocks.ComputedTokens / BlockSize;
        Check();
    }

    private bool ReserveAsExpected(SequenceBlocks blocks, int newTokens)
    {
        int needed = PagedKVCache.BlockCount(blocks.ComputedTokens + newTokens) - PagedKVCache.BlockCount(blocks.ReservedTokens);
        bool expected = needed <= FreeBlocks(s => s.Full, _cache.FullPool)
            && needed <= FreeBlocks(s => s.Sliding, _cache.SlidingPool);
        _cache.TryReserve(blocks, newTokens).Should().Be(expected);
        return expected;
    }

    private int FreeBlocks(Func<SequenceBlocks, BlockTable> table, BlockPool pool) =>
        pool.BlockCount - _sequences.SelectMany(sequence => table(sequence.Blocks).Blocks).Distinct().Count();

    private void Fork(CachedSequence sequence)
    {
        var copies = new List<BlockCopy>();
        var fork = new CachedSequence(sequence.Tokens.Take(sequence.Blocks.ComputedTokens), sequence.Blocks.CacheSalt);
        if (_sequences.Count == MaxSequences || !_cache.TryFork(sequence.Blocks, fork.Blocks, copies))
        {
            return;
        }

        foreach (BlockCopy copy in copies)
        {
            var slots = copy.Kind == AttentionKind.Full ? _fullSlots : _slidingSlots;
            slots.AsSpan(copy.Source * BlockSize, BlockSize).CopyTo(slots.AsSpan(copy.Destination * BlockSize, BlockSize));
        }

        _sequences.Add(fork);
    }

    private void Check()
    {
        List<SequenceBlocks> all = _sequences.ConvertAll(sequence => sequence.Blocks);
        IReadOnlyList<string> violations = KVCacheInvariants.Violations(_cache, all);
        if (violations.Count > 0)
        {
            throw new InvalidOperationException(string.Join(Environment.NewLine, violations));
        }

        PoisonUnknown(_cache.FullPool, _fullSlots, block => _cache.Prefixes.OfFullBlock(block));
        PoisonUnknown(_cache.SlidingPool, _slidingSlots, block => _cache.Prefixes.OfSlidingBlock(block));
        foreach (var sequence in _sequences)
        {
            var blocks = sequence.Blocks;
            CheckContents("full", blocks.Full, _fullSlots, sequence, 0);
            CheckContents("sliding", blocks.Sliding, _slidingSlots, sequence, Math.Max(0, blocks.ComputedTokens - _window + 1));
        }
    }

    /// <summary>A free block that nobody can find may hold anything.</summary>
    private static void PoisonUnknown(BlockPool pool, long[] slots, Func<int, PrefixBlock?> known)
    {
        foreach (int block in pool.FreeBlocks())
        {
            if (known(block) is null)
            {
                slots.AsSpan(block * BlockSize, BlockSize).Fill(Poison);
            }
        }
    }

    private static void CheckContents(string kind, BlockTable table, long[] slots, CachedSequence sequence, int start)
    {
        for (int position = start; position < sequence.Blocks.ComputedTokens; position++)
        {
            if (slots[table.Slot(position)] != sequence.Value(position))
            {
                throw new InvalidOperationException($"{kind} position {position} does not hold what the sequence computed");
            }
        }
    }
}
