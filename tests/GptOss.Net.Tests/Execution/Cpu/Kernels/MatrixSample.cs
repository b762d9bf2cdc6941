using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Execution.Cpu.Kernels;

/// <summary>A random matrix in memory, and the values that it stands for according to the formats' own decoders.</summary>
internal sealed unsafe class MatrixSample : IDisposable
{
    private readonly Random _random;
    private readonly CpuMemory _memory = new();

    public MatrixSample(CpuWeightFormat format, int rows, int columns, int seed)
    {
        _random = new Random(seed);
        (Rows, Columns) = (rows, columns);
        Matrix = new CpuMatrix(_memory, format, rows, columns);
        Values = format == CpuWeightFormat.Mxfp4 ? FillMxfp4() : format == CpuWeightFormat.Int4 ? FillAwq() : FillDense();
    }

    public int Rows { get; }

    public int Columns { get; }

    public CpuMatrix Matrix { get; }

    /// <summary>Gets the stored values, <c>[rows, columns]</c>.</summary>
    public float[] Values { get; }

    public float NextGaussian() =>
        (float)(Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble()));

    /// <summary>Encodes rows of activations; returns pointers to them.</summary>
    public byte** Encode(ActivationFormat format, float[][] rows)
    {
        var stride = ActivationRow.Stride(format, Matrix.Blocks);
        var padded = _memory.Allocate<float>(Matrix.Blocks * 32);
        var data = _memory.Allocate<byte>((long)rows.Length * stride);
        var pointers = (byte**)_memory.Allocate<nint>(rows.Length);
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i].CopyTo(new Span<float>(padded, rows[i].Length));
            pointers[i] = data + (i * stride);
            ActivationRow.Encode(format, padded, Matrix.Blocks, pointers[i]);
        }

        return pointers;
    }

    /// <summary>All results, <c>[count][rows]</c>.</summary>
    public float[][] Multiply(ActivationFormat format, byte** rows, int count)
    {
        var sums = _memory.Allocate<float>(count * 32);
        var results = Enumerable.Range(0, count).Select(_ => new float[Rows]).ToArray();
        for (var group = 0; group < Matrix.Groups; group++)
        {
            Matrix.Multiply(format, group, rows, count, sums);
            for (var i = 0; i < count * 32; i++)
            {
                var row = (group * 32) + (i % 32);
                if (row < Rows)
                {
                    results[i / 32][row] = sums[i];
                }
            }
        }

        return results;
    }

    public void Dispose() => _memory.Dispose();

    /// <summary>The value that an encoded row of activations holds at a column.</summary>
    public static double Decoded(ActivationFormat format, byte* row, int column)
    {
        row += column / 32 * ActivationRow.BlockBytes(format);
        return format switch
        {
            ActivationFormat.Int8 => ((sbyte*)row)[column % 32] * (double)*(float*)(row + ActivationRow.ScaleOfInt8),
            ActivationFormat.Int16 => ((short*)row)[column % 32] * (double)*(float*)(row + ActivationRow.ScaleOfInt16),
            _ => ((float*)row)[column % 32],
        };
    }

    private float[] FillMxfp4()
    {
        var codes = new byte[Rows * Columns / 2];
        var scales = new byte[Rows * Columns / 32];
        _random.NextBytes(codes);
        Array.ForEach(Enumerable.Range(0, scales.Length).ToArray(), i => scales[i] = (byte)_random.Next(110, 130));
        for (var row = 0; row < Rows; row++)
        {
            Mxfp4Weights.PackRow(
                Matrix, row / 32, row % 32, codes.AsSpan(row * Columns / 2, Columns / 2), scales.AsSpan(row * Columns / 32, Columns / 32));
        }

        var values = new float[Rows * Columns];
        Mxfp4Format.Decode(codes, scales, values);
        return values;
    }

    private float[] FillAwq()
    {
        const int groupSize = 32;
        var outputs = (Rows + 7) / 8 * 8;
        var words = new int[Columns * outputs / 8];
        var zeros = new int[Columns / groupSize * outputs / 8];
        var scales = new Half[Columns / groupSize * outputs];
        var dense = Enumerable.Range(0, outputs * Columns).Select(_ => NextGaussian()).ToArray();
        AwqFormat.Encode(dense, outputs, groupSize, words, zeros, scales);

        // Scales of either sign, down to those that are too small to be normal.
        Array.ForEach(Enumerable.Range(0, scales.Length / 2).ToArray(), i => scales[2 * i] = -scales[2 * i]);
        (scales[0], scales[1]) = ((Half)(-3e-6f), Half.MinValue);
        var awq = new AwqMatrix(words, zeros, scales, Columns, outputs, groupSize);
        for (var row = 0; row < Rows; row++)
        {
            Int4Weights.PackRow(Matrix, row / 32, row % 32, awq, row);
        }

        var values = new float[outputs * Columns];
        AwqFormat.DecodeRows(awq, values);
        return values[..(Rows * Columns)];
    }

    private float[] FillDense()
    {
        var values = Enumerable.Range(0, Rows * Columns).Select(_ => Bf16Format.ToSingle(Bf16Format.FromSingle(NextGaussian()))).ToArray();
        var padded = new float[Matrix.Blocks * 32];
        for (var row = 0; row < Rows; row++)
        {
            values.AsSpan(row * Columns, Columns).CopyTo(padded);
            Matrix.PackRow(row / 32, row % 32, padded);
        }

        return Matrix.Format == CpuWeightFormat.Int8 ? DecodeInt8() : values;
    }

    private float[] DecodeInt8()
    {
        var values = new float[Rows * Columns];
        for (var i = 0; i < values.Length; i++)
        {
            var (row, column) = (i / Columns, i % Columns);
            var (lane, block) = (row % 16, column / 32);
            var half = Matrix.Group(row / 32) + (((2 * block) + (row % 32 / 16)) * 544);
            var code = (sbyte)half[(column % 32 / 2 * 32) + (lane * 2) + (column % 2)];
            var scale = Bf16Format.ToSingle(((ushort*)(half + 512))[lane]);
            values[i] = code * scale;
        }

        return values;
    }
}
