using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>One layer's keys and values on its device.</summary>
/// <param name="blockCount">Blocks in the pool of the layer's kind.</param>
/// <param name="kvHeads">Key-value heads.</param>
/// <param name="headDim">Size of a head.</param>
/// <param name="type">Element type.</param>
/// <param name="device">The layer's device.</param>
internal sealed class TorchKVStorage(int blockCount, int kvHeads, int headDim, ScalarType type, Device device) : IDisposable
{
    private const int BlockSize = 16;

    private readonly Tensor _keys = Allocate(blockCount, kvHeads, headDim, type, device); // [slots, kvHeads, headDim]
    private readonly Tensor _values = Allocate(blockCount, kvHeads, headDim, type, device); // [slots, kvHeads, headDim]

    /// <summary>Writes the keys and values of some tokens, each <c>[tokens, kvHeads, headDim]</c>, to their slots.</summary>
    public void Write(Tensor slots, Tensor keys, Tensor values)
    {
        _keys.index_copy_(0, slots, keys.to(_keys.dtype));
        _values.index_copy_(0, slots, values.to(_values.dtype));
    }

    /// <summary>The keys and values that lie in the given slots, each float32 <c>[slots, kvHeads, headDim]</c>.</summary>
    public (Tensor Keys, Tensor Values) Gather(Tensor slots) =>
        (_keys.index_select(0, slots).to(ScalarType.Float32), _values.index_select(0, slots).to(ScalarType.Float32));

    /// <summary>Copies the keys and values of a block.</summary>
    public void Copy(int source, int destination)
    {
        using var scope = NewDisposeScope();
        Block(_keys, destination).copy_(Block(_keys, source));
        Block(_values, destination).copy_(Block(_values, source));
    }

    public void Dispose()
    {
        _keys.Dispose();
        _values.Dispose();
    }

    private static Tensor Block(Tensor slots, int block) => slots.narrow(0, (long)block * BlockSize, BlockSize);

    // Not initialized: only slots that were written are ever read, and untouched memory costs nothing.
    private static Tensor Allocate(int blockCount, int kvHeads, int headDim, ScalarType type, Device device) =>
        empty([(long)blockCount * BlockSize, kvHeads, headDim], dtype: type, device: device);
}
