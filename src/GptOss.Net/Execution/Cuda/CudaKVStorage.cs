using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda;

/// <summary>The cache of one device's layers: keys, and values, bfloat16 <c>[block, KV heads, 16, 64]</c>.</summary>
internal sealed class CudaKVStorage
{
    private readonly (nint Keys, nint Values)[] _layers;
    private readonly long _blockBytes;

    /// <param name="memory">Owns what is allocated.</param>
    /// <param name="shape">The widths.</param>
    /// <param name="kinds">What the device's layers attend to.</param>
    /// <param name="capacity">Blocks of a layer of each kind.</param>
    public CudaKVStorage(CudaMemory memory, CudaShape shape, IEnumerable<AttentionKind> kinds, KVCacheCapacity capacity)
    {
        _blockBytes = (long)shape.KVHeads * PagedKVCache.BlockSize * CudaShape.HeadDim * sizeof(ushort);
        _layers = [.. kinds.Select(kind =>
        {
            var blocks = kind == AttentionKind.Full ? capacity.FullBlocks : capacity.SlidingBlocks;
            return (memory.Allocate(blocks * _blockBytes), memory.Allocate(blocks * _blockBytes));
        })];
    }

    /// <summary>The bytes of a value of the model in the cache, the padding of narrow heads included.</summary>
    public static int ElementBytes(ModelConfig config) => sizeof(ushort) * CudaShape.HeadDim / config.HeadDim;

    /// <summary>The keys of a layer, counted on this device.</summary>
    public nint Keys(int layer) => _layers[layer].Keys;

    public nint Values(int layer) => _layers[layer].Values;

    /// <summary>Copies a block of a layer.</summary>
    public void Copy(KernelStream stream, int layer, BlockCopy copy)
    {
        var (from, to) = ((nint)(copy.Source * _blockBytes), (nint)(copy.Destination * _blockBytes));
        stream.Driver.Copy(Keys(layer) + to, Keys(layer) + from, _blockBytes, stream.Handle);
        stream.Driver.Copy(Values(layer) + to, Values(layer) + from, _blockBytes, stream.Handle);
    }
}
