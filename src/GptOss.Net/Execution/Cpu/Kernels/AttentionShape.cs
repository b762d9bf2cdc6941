using GptOss.Net.KVCache;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>The sizes of a layer's attention.</summary>
/// <param name="HeadCount">Query heads.</param>
/// <param name="KVHeadCount">Key-value heads; each serves <see cref="GroupSize"/> query heads.</param>
/// <param name="HeadDim">Values of a head; a multiple of 16.</param>
internal sealed record AttentionShape(int HeadCount, int KVHeadCount, int HeadDim)
{
    /// <summary>Positions of a block of the cache.</summary>
    public const int BlockSize = PagedKVCache.BlockSize;

    public int GroupSize => HeadCount / KVHeadCount;

    /// <summary>Gets the float32 of one head in a block.</summary>
    public int HeadBlockSize => HeadDim * BlockSize;

    /// <summary>Gets the float32 of a block.</summary>
    public int BlockStride => KVHeadCount * HeadBlockSize;
}
