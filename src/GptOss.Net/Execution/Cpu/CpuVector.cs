using GptOss.Net.Checkpoint;
using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Execution.Cpu;

/// <summary>A float32 vector in memory, padded with zeros to whole blocks.</summary>
internal sealed unsafe class CpuVector
{
    private readonly CheckpointTensor _source;

    public CpuVector(CpuMemory memory, CheckpointTensor source)
    {
        _source = source;
        Values = memory.Allocate<float>(BytesOf((int)source.ElementCount) / sizeof(float));
    }

    public float* Values { get; }

    /// <summary>Reads the values from the checkpoint; any thread.</summary>
    public void Load() => _source.ReadSingles().CopyTo(new Span<float>(Values, (int)_source.ElementCount));

    public static long BytesOf(int length) => (long)RowGroup.Blocks(length) * RowGroup.BlockColumns * sizeof(float);
}
