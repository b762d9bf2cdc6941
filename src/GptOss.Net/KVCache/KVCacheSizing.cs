using GptOss.Net.Model;

namespace GptOss.Net.KVCache;

/// <summary>How many blocks and bytes the cache needs. Arithmetic only.</summary>
/// <param name="KVSize">Values of a token's key, and of its value: <c>kvHeads · headDim</c>.</param>
/// <param name="SlidingWindow">How many tokens a sliding layer sees, the current one included.</param>
/// <param name="BytesPerElement">Bytes of a cached value: 2 for bfloat16, 4 for float32.</param>
/// <param name="MaxStepTokens">The most tokens that a step computes, over all sequences.</param>
internal sealed record KVCacheSizing(int KVSize, int SlidingWindow, int BytesPerElement, int MaxStepTokens)
{
    private const int BlockSize = PagedKVCache.BlockSize;

    /// <summary>Gets the bytes of a block in one layer of either kind.</summary>
    public long BytesPerBlock => 2L * KVSize * BlockSize * BytesPerElement;

    public static KVCacheSizing For(ModelConfig config, int bytesPerElement, int maxStepTokens) =>
        new(config.KVSize, config.SlidingWindow, bytesPerElement, maxStepTokens);

    /// <summary>
    /// The most blocks that a sequence of up to <paramref name="tokens"/> tokens ever holds, computed in chunks of up to
    /// <paramref name="chunkTokens"/>.
    /// </summary>
    public int SequenceBlocks(AttentionKind kind, int tokens, int chunkTokens)
    {
        int all = PagedKVCache.BlockCount(tokens);
        return kind == AttentionKind.Full
            ? all
            : (int)Math.Min(all, WindowBlocks(sequences: 1, Math.Min(tokens, chunkTokens)));
    }

    /// <summary>The blocks with which so many sequences can all reach <paramref name="tokens"/> tokens at once.</summary>
    /// <exception cref="OverflowException">More blocks than a pool can have.</exception>
    public int PoolBlocks(AttentionKind kind, int sequences, int tokens)
    {
        long all = checked((long)sequences * PagedKVCache.BlockCount(tokens));
        return checked((int)(kind == AttentionKind.Full ? all : Math.Min(all, WindowBlocks(sequences, MaxStepTokens))));
    }

    /// <summary>The bytes of one layer of a kind with which so many sequences can all reach so many tokens at once.</summary>
    public long LayerBytes(AttentionKind kind, int sequences, int tokens) =>
        checked(PoolBlocks(kind, sequences, tokens) * BytesPerBlock);

    /// <summary>
    /// Divides a device's bytes for keys and values: the sliding layers get what <paramref name="sequences"/> sequences of
    /// <paramref name="tokens"/> tokens can need at most, the full layers get the rest.
    /// </summary>
    /// <remarks>Devices share their block ids: use the <see cref="Smallest"/> of the devices' capacities.</remarks>
    /// <exception cref="PlacementException">Not even one sequence can reach <paramref name="tokens"/> tokens.</exception>
    public KVCacheCapacity Split(long bytes, int fullLayers, int slidingLayers, int sequences, int tokens)
    {
        int slidingBlocks = PoolBlocks(AttentionKind.Sliding, sequences, tokens);
        long slidingBytes = checked(slidingBlocks * slidingLayers * BytesPerBlock);
        int sequenceBlocks = PagedKVCache.BlockCount(tokens);
        long needed = checked(slidingBytes + (sequenceBlocks * fullLayers * BytesPerBlock));
        if (bytes < needed)
        {
            throw new PlacementException(
                $"{bytes:N0} bytes for keys and values are too few: {sequences} sequences of which one reaches {tokens:N0} "
                + $"tokens need {needed:N0}. Allow shorter or fewer sequences, or more memory.");
        }

        long fullBlocks = fullLayers == 0
            ? BlockPool.MaxBlockCount
            : (bytes - slidingBytes) / (fullLayers * BytesPerBlock);
        return new KVCacheCapacity((int)Math.Min(fullBlocks, BlockPool.MaxBlockCount), slidingBlocks);
    }

    /// <summary>What all devices have room for.</summary>
    public static KVCacheCapacity Smallest(IReadOnlyCollection<KVCacheCapacity> capacities) =>
        new(capacities.Min(capacity => capacity.FullBlocks), capacities.Min(capacity => capacity.SlidingBlocks));

    // Between steps a sequence holds the last window - 1 tokens; in a step, its share c of the step's tokens as well. At the
    // worst alignment window - 1 + c tokens touch 1 + (window + c + 13) / 16 blocks; the sum over all sequences follows,
    // since their shares add up to the step's tokens.
    private long WindowBlocks(int sequences, int stepTokens) =>
        sequences + ((((long)sequences * (SlidingWindow + BlockSize - 3)) + stepTokens) / BlockSize);
}
