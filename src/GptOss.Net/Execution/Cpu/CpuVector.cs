using GptOss.Net.Checkpoint;
using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Execution.Cpu;

/// <summary>A float32 vector in memory, padded with zeros to whole blocks.</summary>
internal sealed unsafe class CpuVector
{
    public CpuVector(CpuMemory memory, CheckpointTensor source)
    {
        var values = source.ReadSingles();
        Values = memory.Allocate<float>(BytesOf(values.Length) / sizeof(float));
        values.CopyTo(new Span<float>(Values, values.Length));
    }

    public float* Values { get; }

    public static long BytesOf(int length) => (long)RowGroup.Blocks(length) * RowGroup.BlockColumns * sizeof(float);
}
