using System.Buffers;
using System.Runtime.InteropServices;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;
using GptOss.Net.Quantization;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Reads matrices from the checkpoint and lays them out; any thread, each with its own rows.</summary>
internal static class MatrixReader
{
    /// <summary>Whether an AWQ matrix keeps its 4 bits: its groups must hold whole blocks.</summary>
    public static bool StaysPacked(AwqWeightSource source) => source.GroupSize % RowGroup.BlockColumns == 0;

    /// <summary>Reads whole matrices.</summary>
    public static void Read(WeightSource source, CpuMatrix matrix, params RowSelection[] selections)
    {
        switch (source)
        {
            case Mxfp4WeightSource mxfp4:
                ReadMxfp4(mxfp4, matrix, selections);
                break;
            case AwqWeightSource awq:
                ReadAwq(awq, matrix, selections);
                break;
            case DenseWeightSource dense:
                PackRows(matrix, ReadDense(dense), dense.InputSize, selections);
                break;
            default:
                throw new ArgumentException($"{source.GetType().Name} has no form in memory.", nameof(source));
        }
    }

    /// <summary>Reads some rows of a dense matrix that is stored by rows.</summary>
    public static void ReadRows(DenseWeightSource source, CpuMatrix matrix, int firstRow, int rowCount)
    {
        var padded = new float[matrix.Blocks * RowGroup.BlockColumns];
        var values = source.Values.Rows(firstRow, rowCount).ReadSingles();
        for (var i = 0; i < rowCount; i++)
        {
            values.AsSpan(i * source.InputSize, source.InputSize).CopyTo(padded);
            try
            {
                matrix.PackRow((firstRow + i) / RowGroup.Rows, (firstRow + i) % RowGroup.Rows, padded);
            }
            catch (OverflowException exception)
            {
                throw new CheckpointException(exception.Message, source.Values.Source.Path, source.Values.Name, exception);
            }
        }
    }

    private static void ReadMxfp4(Mxfp4WeightSource source, CpuMatrix matrix, RowSelection[] selections)
    {
        var (codes, scales) = (Rent(source.Blocks), Rent(source.Scales));
        var blocks = matrix.Blocks;
        ForEachRow(selections, (group, lane, row) => Mxfp4Weights.PackRow(
            matrix, group, lane, codes.AsSpan(row * blocks * Mxfp4Format.BlockBytes, blocks * Mxfp4Format.BlockBytes),
            scales.AsSpan(row * blocks, blocks)));
        ArrayPool<byte>.Shared.Return(codes);
        ArrayPool<byte>.Shared.Return(scales);
    }

    private static void ReadAwq(AwqWeightSource source, CpuMatrix matrix, RowSelection[] selections)
    {
        var (words, zeros, scales) =
            (new byte[source.QWeight.ByteLength], new byte[source.QZeros.ByteLength], new byte[source.Scales.ByteLength]);
        source.QWeight.Read(0, words);
        source.QZeros.Read(0, zeros);
        source.Scales.Read(0, scales);
        AwqMatrix Stored() => new(
            MemoryMarshal.Cast<byte, int>(words), MemoryMarshal.Cast<byte, int>(zeros), MemoryMarshal.Cast<byte, Half>(scales),
            source.InputSize, source.OutputSize, source.GroupSize);
        if (matrix.Format == CpuWeightFormat.Int4)
        {
            ForEachRow(selections, (group, lane, row) => Int4Weights.PackRow(matrix, group, lane, Stored(), row));
            return;
        }

        var values = new float[checked(source.OutputSize * source.InputSize)];
        AwqFormat.DecodeRows(Stored(), values);
        PackRows(matrix, values, source.InputSize, selections);
    }

    /// <summary>The values by rows, <c>[out, in]</c>.</summary>
    private static float[] ReadDense(DenseWeightSource source)
    {
        var stored = source.Values.ReadSingles();
        if (!source.Transposed)
        {
            return stored;
        }

        var values = new float[stored.Length];
        for (var i = 0; i < stored.Length; i++)
        {
            values[(i % source.OutputSize * source.InputSize) + (i / source.OutputSize)] = stored[i];
        }

        return values;
    }

    private static void PackRows(CpuMatrix matrix, float[] values, int columns, RowSelection[] selections)
    {
        var padded = new float[matrix.Blocks * RowGroup.BlockColumns];
        ForEachRow(selections, (group, lane, row) =>
        {
            values.AsSpan(row * columns, columns).CopyTo(padded);
            matrix.PackRow(group, lane, padded);
        });
    }

    private static void ForEachRow(RowSelection[] selections, Action<int, int, int> pack)
    {
        foreach (var selection in selections)
        {
            for (var i = 0; i < selection.RowCount; i++)
            {
                pack(selection.Group(i), selection.Lane(i), selection.Row(i));
            }
        }
    }

    private static byte[] Rent(CheckpointTensor tensor)
    {
        var length = checked((int)tensor.ByteLength);
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        tensor.Read(0, bytes.AsSpan(0, length));
        return bytes;
    }
}
