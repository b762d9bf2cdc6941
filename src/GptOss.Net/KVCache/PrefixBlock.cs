namespace GptOss.Net.KVCache;

/// <summary>A block of tokens behind a certain beginning, whose keys and values are in the cache and can be used again.</summary>
/// <remarks>
/// Blocks form a tree: equal tokens behind different beginnings, or with different salts, are different blocks. Only
/// <see cref="PrefixIndex"/> makes and changes them.
/// </remarks>
internal sealed class PrefixBlock
{
    /// <summary>What stands in place of a block id when there is none.</summary>
    public const int None = -1;

    private readonly int[] _tokens;

    internal PrefixBlock(PrefixProbe key, int fullBlock)
    {
        (Parent, Salt, FullBlock, Hash) = (key.Parent, key.Salt, fullBlock, key.Hash);
        _tokens = key.Tokens.ToArray();
        EndBlock = (Parent?.EndBlock ?? 0) + 1;
    }

    /// <summary>Gets the block before; <see langword="null"/> at the beginning of a sequence.</summary>
    public PrefixBlock? Parent { get; }

    /// <summary>Gets what separates callers that must not share blocks.</summary>
    public string? Salt { get; }

    /// <summary>Gets the tokens, as many as a block holds.</summary>
    public ReadOnlySpan<int> Tokens => _tokens;

    /// <summary>Gets the index, within the sequence, behind this block.</summary>
    public int EndBlock { get; }

    /// <summary>Gets the hash of all tokens up to here and of the salt.</summary>
    public int Hash { get; }

    /// <summary>Gets the block of the full layers; it is there as long as this block is known.</summary>
    public int FullBlock { get; }

    /// <summary>Gets the block of the sliding layers, or <see cref="None"/> when it was used for something else.</summary>
    public int SlidingBlock { get; internal set; } = None;

    /// <summary>Gets a value indicating whether the index still knows this block.</summary>
    public bool IsKnown { get; internal set; } = true;
}
