using System.Collections.Immutable;
using System.Runtime.InteropServices;
using GptOss.Net.Quantization;

namespace GptOss.Net.Checkpoint;

/// <summary>A tensor, or a run of rows of one, in an open checkpoint. It holds no values; they are read on demand, by any thread.</summary>
internal sealed class CheckpointTensor
{
    public CheckpointTensor(SafetensorsFile file, TensorEntry entry)
        : this(file, entry.Name, entry.Type, entry.Shape, checked(file.DataOffset + entry.Begin))
    {
    }

    private CheckpointTensor(SafetensorsFile file, string name, TensorType type, ImmutableArray<long> shape, long offset)
    {
        File = file;
        Name = name;
        Type = type;
        Shape = shape;
        FileOffset = offset;
        ElementCount = shape.Aggregate(1L, static (product, dimension) => checked(product * dimension));
        ByteLength = checked(ElementCount * type.Size());
    }

    public string Name { get; }

    public TensorType Type { get; }

    /// <summary>Gets the dimensions, the slowest first.</summary>
    public ImmutableArray<long> Shape { get; }

    public SafetensorsFile File { get; }

    /// <summary>Gets where the values begin, in bytes from the start of the file; aligned to nothing.</summary>
    public long FileOffset { get; }

    public long ElementCount { get; }

    public long ByteLength { get; }

    /// <summary>Fills <paramref name="destination"/> with the bytes at <paramref name="offset"/> of this tensor.</summary>
    /// <param name="offset">Bytes from the start of the tensor.</param>
    /// <param name="destination">Where the bytes go.</param>
    public void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ByteLength - destination.Length);
        File.Read(FileOffset + offset, destination, Name);
    }

    /// <summary>Reads all values of a BF16, F16 or F32 tensor.</summary>
    public float[] ReadSingles()
    {
        var values = new float[checked((int)ElementCount)];
        if (Type == TensorType.F32)
        {
            Read(0, MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }

        var stored = new byte[ByteLength];
        Read(0, stored);
        switch (Type)
        {
            case TensorType.BF16:
                Bf16Format.Decode(MemoryMarshal.Cast<byte, ushort>(stored), values);
                return values;
            case TensorType.F16:
                F16Format.Decode(MemoryMarshal.Cast<byte, Half>(stored), values);
                return values;
            default:
                throw new CheckpointException($"is {Type}; expected BF16, F16 or F32.", File.Path, Name);
        }
    }

    /// <summary>Gets rows of the first dimension without reading them.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many rows.</param>
    public CheckpointTensor Rows(long first, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, Shape[0] - count);
        return new CheckpointTensor(File, Name, Type, Shape.SetItem(0, count), FileOffset + (first * RowBytes));
    }

    /// <summary>Gets one row of the first dimension, without that dimension: expert <paramref name="index"/> of a fused tensor.</summary>
    /// <param name="index">The row.</param>
    public CheckpointTensor Select(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Shape[0]);
        return new CheckpointTensor(File, Name, Type, Shape.RemoveAt(0), FileOffset + (index * RowBytes));
    }

    public override string ToString() => $"{Name}: {Type} [{string.Join(", ", Shape)}]";

    private long RowBytes => Shape[0] == 0 ? 0 : ByteLength / Shape[0];
}
