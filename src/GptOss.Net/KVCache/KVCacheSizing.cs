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

    // Between steps a sequence holds the last window - 1 tokens; in a step, its share c of the step's tokens as well. At the
    // worst alignment window - 1 + c tokens touch 1 + (window + c + 13) / 16 blocks; the sum over all sequences follows,
    // since their shares add up to the step's tokens.
    private long WindowBlocks(int sequences, int stepTokens) =>
        sequences + ((((long)sequences * (SlidingWindow + BlockSize - 3)) + stepTokens) / BlockSize);
}
