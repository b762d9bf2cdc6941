using GptOss.Net.Checkpoint;
using GptOss.Net.Model;
using GptOss.Net.Quantization;

namespace GptOss.Net.Execution.Cpu;

/// <summary>The token embedding in memory: the rows as the checkpoint stores them.</summary>
internal sealed unsafe class CpuEmbedding
{
    private readonly CheckpointTensor _source;
    private readonly byte* _rows;
    private readonly int _rowBytes;
    private readonly int _size;

    public CpuEmbedding(CpuMemory memory, DenseWeightSource source)
    {
        _source = source.Values;
        _size = source.InputSize;
        _rowBytes = (int)(source.ByteLength / source.OutputSize);
        _rows = memory.AllocateUninitialized<byte>(source.ByteLength);
    }

    /// <summary>Reads some of the rows from the checkpoint; any thread.</summary>
    public void Load(long firstRow, int rowCount)
    {
        var offset = firstRow * _rowBytes;
        _source.Read(offset, new Span<byte>(_rows + offset, checked(rowCount * _rowBytes)));
    }

    /// <summary>Writes a token's embedding.</summary>
    public void Lookup(int token, float* result)
    {
        var row = _rows + ((long)token * _rowBytes);
        var values = new Span<float>(result, _size);
        switch (_source.Type)
        {
            case TensorType.BF16:
                Bf16Format.Decode(new ReadOnlySpan<ushort>(row, _size), values);
                break;
            case TensorType.F16:
                F16Format.Decode(new ReadOnlySpan<Half>(row, _size), values);
                break;
            default:
                new ReadOnlySpan<float>(row, _size).CopyTo(values);
                break;
        }
    }
}
