using System.Collections.Immutable;
using System.Runtime.InteropServices;
using GptOss.Net.Quantization;

namespace GptOss.Net.Checkpoint;

/// <summary>A tensor, or a run of rows of one, in an open checkpoint. It holds no values; they are read on demand, by any thread.</summary>
internal sealed class CheckpointTensor
{
    /// <summary>Initializes a new instance of the <see cref="CheckpointTensor"/> class.</summary>
    /// <param name="source">Where its bytes come from.</param>
    /// <param name="name">The tensor's name.</param>
    /// <param name="type">The type of its values.</param>
    /// <param name="shape">Its dimensions, the slowest first.</param>
    /// <param name="offset">Where its values begin in the source, in bytes.</param>
    public CheckpointTensor(ITensorSource source, string name, TensorType type, ImmutableArray<long> shape, long offset = 0)
    {
        Source = source;
        Name = name;
        Type = type;
        Shape = shape;
        Offset = offset;
        ElementCount = shape.Aggregate(1L, static (product, dimension) => checked(product * dimension));
        ByteLength = checked(ElementCount * type.Size());
    }

    public string Name { get; }

    public TensorType Type { get; }

    /// <summary>Gets the dimensions, the slowest first.</summary>
    public ImmutableArray<long> Shape { get; }

    public ITensorSource Source { get; }

    /// <summary>Gets where the values begin in the source, in bytes; aligned to nothing.</summary>
    public long Offset { get; }

    public long ElementCount { get; }

    public long ByteLength { get; }

    /// <summary>
    /// Fills <paramref name="destination"/> with the bytes at <paramref name="offset"/> of this tensor. Floating point values are
    /// checked: a NaN or an infinity in a weight would make every answer wrong, or be lost without a word where it is rounded.
    /// </summary>
    /// <param name="offset">Bytes from the start of the tensor; whole values.</param>
    /// <param name="destination">Where the bytes go; whole values.</param>
    /// <exception cref="CheckpointException">The file cannot be read, or a value is not finite.</exception>
    public void Read(long offset, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ByteLength - destination.Length);
        Source.Read(Offset + offset, destination, Name);
        var other = Type switch
        {
            TensorType.BF16 => FiniteValues.IndexOfOther<ushort>(MemoryMarshal.Cast<byte, ushort>(destination), 0x7F80),
            TensorType.F16 => FiniteValues.IndexOfOther<ushort>(MemoryMarshal.Cast<byte, ushort>(destination), 0x7C00),
            TensorType.F8E8M0 => destination.IndexOf(byte.MaxValue),
            TensorType.F32 => FiniteValues.IndexOfOther(MemoryMarshal.Cast<byte, uint>(destination), 0x7F800000u),
            _ => -1,
        };
        if (other >= 0)
        {
            throw Damaged((offset / Type.Size()) + other, "NaN or infinite; every weight must be a finite number");
        }
    }

    /// <summary>The error of a value that cannot be a weight.</summary>
    /// <param name="index">Which value of this tensor, or of this part of one.</param>
    /// <param name="found">What it is, and what is expected.</param>
    public CheckpointException Damaged(long index, string found) =>
        new($"value {index:N0} of [{string.Join(", ", Shape)}]{Place(index)}, is {found}.", Source.Path, Name);

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
                throw new CheckpointException($"is {Type}; expected BF16, F16 or F32.", Source.Path, Name);
        }
    }

    /// <summary>Gets the same values, taken as another type of the same size.</summary>
    public CheckpointTensor As(TensorType type)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(type.Size(), Type.Size(), nameof(type));
        return new CheckpointTensor(Source, Name, type, Shape, Offset);
    }

    /// <summary>Gets the same tensor under another name.</summary>
    public CheckpointTensor Named(string name) => new(Source, name, Type, Shape, Offset);

    /// <summary>Gets rows of the first dimension without reading them.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many rows.</param>
    public CheckpointTensor Rows(long first, long count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, Shape[0] - count);
        return new CheckpointTensor(Source, Name, Type, Shape.SetItem(0, count), Offset + (first * RowBytes));
    }

    /// <summary>Gets one row of the first dimension, without that dimension: expert <paramref name="index"/> of a fused tensor.</summary>
    /// <param name="index">The row.</param>
    public CheckpointTensor Select(long index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Shape[0]);
        return new CheckpointTensor(Source, Name, Type, Shape.RemoveAt(0), Offset + (index * RowBytes));
    }

    /// <summary>Whether another tensor of the same shape holds the same numbers; reads both, some rows at a time.</summary>
    public bool HasValuesOf(CheckpointTensor other)
    {
        const int ChunkRows = 1024;
        for (long row = 0; row < Shape[0]; row += ChunkRows)
        {
            var count = Math.Min(ChunkRows, Shape[0] - row);
            if (!Rows(row, count).ReadSingles().AsSpan().SequenceEqual(other.Rows(row, count).ReadSingles()))
            {
                return false;
            }
        }

        return true;
    }

    public override string ToString() => $"{Name}: {Type} [{string.Join(", ", Shape)}]";

    private string Place(long index) =>
        Source is SafetensorsFile ? $", at byte {Offset + (index * Type.Size()):N0} of the file" : string.Empty;

    private long RowBytes => Shape[0] == 0 ? 0 : ByteLength / Shape[0];
}
