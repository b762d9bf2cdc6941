namespace GptOss.Net.KVCache;

/// <summary>What one sequence holds of the cache; empty when new and after <see cref="PagedKVCache.Free"/>.</summary>
internal sealed class SequenceBlocks
{
    /// <summary>Gets what separates callers that must not share blocks. Default: nothing does.</summary>
    public string? CacheSalt { get; init; }

    /// <summary>Gets how many of the first tokens another sequence may begin with. Default: all.</summary>
    public int PromptLength { get; init; } = int.MaxValue;

    /// <summary>Gets the blocks of the full layers: all of the sequence.</summary>
    public BlockTable Full { get; } = new();

    /// <summary>Gets the blocks of the sliding layers: those that a next token can still see, and those reserved.</summary>
    public BlockTable Sliding { get; } = new();

    /// <summary>Gets the index of the first block that the sliding layers still hold.</summary>
    public int SlidingFirstBlock => Sliding.FirstBlock;

    /// <summary>Gets for how many tokens, from the sequence's first one, there are blocks.</summary>
    public int ReservedTokens { get; internal set; }

    /// <summary>Gets how many tokens have their keys and values in the cache; the next token's position.</summary>
    public int ComputedTokens { get; internal set; }

    /// <summary>Gets the last of its complete blocks that other sequences can find.</summary>
    internal PrefixBlock? Prefix { get; set; }
}
