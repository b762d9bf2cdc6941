namespace GptOss.Net.KVCache;

/// <summary>Knows which complete blocks hold which tokens, so that a sequence that begins alike need not compute them again.</summary>
/// <remarks>
/// Holds at most one entry for each block of the full layers. An entry goes when its block is handed out for other tokens. Blocks of
/// a sequence are freed from its end, so an entry goes before the one that it continues.
/// </remarks>
internal sealed class PrefixIndex
{
    private readonly HashSet<PrefixBlock> _known = new(new Comparer());
    private readonly HashSet<PrefixBlock>.AlternateLookup<PrefixProbe> _lookup;
    private readonly PrefixBlock?[] _ofFullBlock;
    private readonly PrefixBlock?[] _ofSlidingBlock;

    public PrefixIndex(KVCacheCapacity capacity)
    {
        _lookup = _known.GetAlternateLookup<PrefixProbe>();
        _ofFullBlock = new PrefixBlock?[capacity.FullBlocks];
        _ofSlidingBlock = new PrefixBlock?[capacity.SlidingBlocks];
    }

    /// <summary>Gets how many blocks can be found.</summary>
    public int Count => _known.Count;

    public PrefixBlock? Find(PrefixProbe probe) => _lookup.TryGetValue(probe, out var block) ? block : null;

    /// <summary>Makes a block known that is not.</summary>
    public PrefixBlock Add(PrefixProbe probe, int fullBlock)
    {
        var block = new PrefixBlock(probe, fullBlock);
        _known.Add(block);
        _ofFullBlock[fullBlock] = block;
        return block;
    }

    /// <summary>Records where the sliding layers hold the same tokens.</summary>
    public void SetSliding(PrefixBlock block, int slidingBlock)
    {
        block.SlidingBlock = slidingBlock;
        _ofSlidingBlock[slidingBlock] = block;
    }

    /// <summary>What is known to lie in a block of the full layers.</summary>
    public PrefixBlock? OfFullBlock(int block) => _ofFullBlock[block];

    /// <summary>What is known to lie in a block of the sliding layers.</summary>
    public PrefixBlock? OfSlidingBlock(int block) => _ofSlidingBlock[block];

    /// <summary>The block of the full layers gets other contents.</summary>
    public void ForgetFull(int fullBlock)
    {
        if (_ofFullBlock[fullBlock] is not { } block)
        {
            return;
        }

        _known.Remove(block);
        _ofFullBlock[fullBlock] = null;
        block.IsKnown = false;
        if (block.SlidingBlock != PrefixBlock.None)
        {
            ForgetSliding(block.SlidingBlock);
        }
    }

    /// <summary>The block of the sliding layers gets other contents.</summary>
    public void ForgetSliding(int slidingBlock)
    {
        if (_ofSlidingBlock[slidingBlock] is { } block)
        {
            block.SlidingBlock = PrefixBlock.None;
            _ofSlidingBlock[slidingBlock] = null;
        }
    }

    /// <summary>Forgets everything: what is in the blocks may be wrong.</summary>
    public void Clear()
    {
        foreach (var block in _known)
        {
            block.IsKnown = false;
        }

        _known.Clear();
        Array.Clear(_ofFullBlock);
        Array.Clear(_ofSlidingBlock);
    }

    private sealed class Comparer : IEqualityComparer<PrefixBlock>, IAlternateEqualityComparer<PrefixProbe, PrefixBlock>
    {
        public bool Equals(PrefixBlock? x, PrefixBlock? y) => ReferenceEquals(x, y);

        public int GetHashCode(PrefixBlock block) => block.Hash;

        public bool Equals(PrefixProbe alternate, PrefixBlock other) => alternate.Matches(other);

        public int GetHashCode(PrefixProbe alternate) => alternate.Hash;

        public PrefixBlock Create(PrefixProbe alternate) => throw new NotSupportedException("A block is needed to add one.");
    }
}
