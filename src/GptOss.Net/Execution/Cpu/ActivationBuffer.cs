using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Rows of activations in the form that a matrix takes.</summary>
internal sealed unsafe class ActivationBuffer
{
    private readonly int _stride;

    public ActivationBuffer(CpuMemory memory, ActivationFormat format, int rows, int columns)
    {
        Format = format;
        Blocks = RowGroup.Blocks(columns);
        _stride = ActivationRow.Stride(format, Blocks);
        var data = memory.AllocateUninitialized<byte>((long)rows * _stride);
        Rows = (byte**)memory.AllocateUninitialized<nint>(rows);
        for (var row = 0; row < rows; row++)
        {
            Rows[row] = data + ((long)row * _stride);
        }
    }

    public ActivationFormat Format { get; }

    public int Blocks { get; }

    /// <summary>Gets a pointer to each row.</summary>
    public byte** Rows { get; }

    /// <summary>Stores a row of padded float32.</summary>
    public void Encode(int row, float* values) => ActivationRow.Encode(Format, values, Blocks, Rows[row]);
}
