using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cpu;

/// <summary>The keys and values of every layer, float32, in the layout of <see cref="PagedAttentionKernel"/>.</summary>
internal sealed unsafe class CpuKVStorage
{
    // [layer], each [blocks, kvHeads, headDim, 16]
    private readonly float*[] _keys;

    // [layer], each [blocks, kvHeads, 16, headDim]
    private readonly float*[] _values;

    private readonly ModelConfig _config;
    private readonly int _blockStride;

    public CpuKVStorage(CpuMemory memory, ModelConfig config, AttentionShape shape, KVCacheCapacity capacity)
    {
        (_config, _blockStride) = (config, shape.BlockStride);
        _keys = new float*[config.LayerCount];
        _values = new float*[config.LayerCount];
        for (var layer = 0; layer < config.LayerCount; layer++)
        {
            var blocks = config.LayerKinds[layer] == AttentionKind.Full ? capacity.FullBlocks : capacity.SlidingBlocks;
            _keys[layer] = memory.AllocateUninitialized<float>((long)blocks * shape.BlockStride);
            _values[layer] = memory.AllocateUninitialized<float>((long)blocks * shape.BlockStride);
        }
    }

    public float* Keys(int layer) => _keys[layer];

    public float* Values(int layer) => _values[layer];

    /// <summary>Copies blocks, one after the other, in every layer of their kind.</summary>
    public void Copy(IReadOnlyList<BlockCopy> copies)
    {
        for (var i = 0; i < copies.Count; i++)
        {
            for (var layer = 0; layer < _config.LayerCount; layer++)
            {
                if (_config.LayerKinds[layer] == copies[i].Kind)
                {
                    Copy(_keys[layer], copies[i]);
                    Copy(_values[layer], copies[i]);
                }
            }
        }
    }

    private void Copy(float* blocks, BlockCopy copy) => Block(blocks, copy.Source).CopyTo(Block(blocks, copy.Destination));

    private Span<float> Block(float* blocks, int index) => new(blocks + ((long)index * _blockStride), _blockStride);
}
