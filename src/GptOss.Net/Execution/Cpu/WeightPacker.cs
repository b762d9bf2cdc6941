using System.Runtime.Intrinsics;
using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Quantization;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Lays stored weights out in row groups, one row at a time.</summary>
internal static unsafe class WeightPacker
{
    private const int MaxInt8 = 127;
    private const int MaxInt4 = 15;

    /// <summary>Stores a row of float32 in the form of the matrix.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="group">The row group.</param>
    /// <param name="groupRow">The row of the group.</param>
    /// <param name="row">Values, padded with zeros to whole blocks.</param>
    public static void PackRow(CpuMatrix matrix, int group, int groupRow, ReadOnlySpan<float> row)
    {
        var lane = groupRow % RowGroup.HalfRows;
        for (var block = 0; block < matrix.Blocks; block++)
        {
            var values = row.Slice(block * RowGroup.BlockColumns, RowGroup.BlockColumns);
            switch (matrix.Kind)
            {
                case CpuWeightKind.Int8:
                    PackInt8(HalfBlock<Int8Weights>(matrix, group, groupRow, block), (ushort*)Scales<Int8Weights>(matrix, group, groupRow, block), lane, values);
                    break;
                case CpuWeightKind.Int4:
                    PackInt4(HalfBlock<Int4Weights>(matrix, group, groupRow, block), Scales<Int4Weights>(matrix, group, groupRow, block), lane, values);
                    break;
                case CpuWeightKind.Bf16:
                    PackBf16((ushort*)HalfBlock<Bf16Weights>(matrix, group, groupRow, block), lane, values);
                    break;
                case CpuWeightKind.Float32:
                    PackFloat32((float*)HalfBlock<Float32Weights>(matrix, group, groupRow, block), lane, values);
                    break;
                default:
                    throw new ArgumentException($"Float32 values are not stored as {matrix.Kind}.", nameof(matrix));
            }
        }
    }

    /// <summary>Stores a row of MXFP4.</summary>
    /// <param name="matrix">An MXFP4 matrix.</param>
    /// <param name="group">The row group.</param>
    /// <param name="groupRow">The row of the group.</param>
    /// <param name="codes">The row's blocks of 16 bytes, as the checkpoint has them.</param>
    /// <param name="scales">The row's scales, a byte for each block.</param>
    public static void PackMxfp4Row(CpuMatrix matrix, int group, int groupRow, ReadOnlySpan<byte> codes, ReadOnlySpan<byte> scales)
    {
        var lane = groupRow % RowGroup.HalfRows;
        fixed (byte* stored = codes)
        {
            // Little-endian: nibble i of a word is its value i.
            var words = (uint*)stored;
            for (var block = 0; block < matrix.Blocks; block++, words += 4)
            {
                var values = HalfBlock<Mxfp4Weights>(matrix, group, groupRow, block);
                for (var eighth = 0; eighth < 4; eighth++)
                {
                    Nibbles.Store(values, lane, eighth, words[eighth]);
                }

                Scales<Mxfp4Weights>(matrix, group, groupRow, block)[lane] = scales[block];
            }
        }
    }

    /// <summary>Stores a row of AWQ whose groups hold whole blocks.</summary>
    /// <param name="matrix">An int4 matrix.</param>
    /// <param name="group">The row group.</param>
    /// <param name="groupRow">The row of the group.</param>
    /// <param name="source">The stored matrix.</param>
    /// <param name="output">Its output that is this row.</param>
    public static void PackAwqRow(CpuMatrix matrix, int group, int groupRow, in AwqMatrix source, int output)
    {
        var lane = groupRow % RowGroup.HalfRows;
        var rowWords = source.OutputSize / AwqFormat.ValuesPerWord;
        for (var block = 0; block < matrix.Blocks; block++)
        {
            var values = HalfBlock<Int4Weights>(matrix, group, groupRow, block);
            var input = block * RowGroup.BlockColumns;
            for (var eighth = 0; eighth < 4; eighth++)
            {
                var codes = 0u;
                for (var i = 0; i < 8; i++, input++)
                {
                    codes |= (uint)AwqFormat.Unpack(source.Words.Slice(input * rowWords, rowWords), output) << (4 * i);
                }

                Nibbles.Store(values, lane, eighth, codes);
            }

            var scaleGroup = block * RowGroup.BlockColumns / source.GroupSize;
            var scales = Scales<Int4Weights>(matrix, group, groupRow, block);
            ((Half*)scales)[lane] = source.Scales[(scaleGroup * source.OutputSize) + output];
            scales[Int4Weights.ZerosOffset + lane] = (byte)AwqFormat.Unpack(source.Zeros.Slice(scaleGroup * rowWords, rowWords), output);
        }
    }

    /// <summary>The half of a block that holds a row.</summary>
    private static byte* HalfBlock<TFormat>(CpuMatrix matrix, int group, int groupRow, int block)
        where TFormat : IWeightFormat =>
        matrix.Group(group) + (((2L * block) + (groupRow / RowGroup.HalfRows)) * (TFormat.ValueBytes + TFormat.ScaleBytes));

    private static byte* Scales<TFormat>(CpuMatrix matrix, int group, int groupRow, int block)
        where TFormat : IWeightFormat => HalfBlock<TFormat>(matrix, group, groupRow, block) + TFormat.ValueBytes;

    private static void PackInt8(byte* values, ushort* scales, int lane, ReadOnlySpan<float> row)
    {
        var (low, high) = (Vector512.Create(row), Vector512.Create(row[16..]));
        var magnitudes = Vector512.Max(Vector512.Abs(low), Vector512.Abs(high));
        var half = Vector256.Max(magnitudes.GetLower(), magnitudes.GetUpper());
        var largest = 0f;
        for (var i = 0; i < Vector256<float>.Count; i++)
        {
            largest = MathF.Max(largest, half[i]);
        }

        // Rounded up, so that the largest value is not cut. Below every normal number the inverse would be infinite: zeros.
        var bits = (ushort)((BitConverter.SingleToUInt32Bits(largest / MaxInt8) + 0xFFFF) >> 16);
        bits = float.IsNormal(Bf16Format.ToSingle(bits)) ? bits : (ushort)0;
        scales[lane] = bits;
        var inverse = bits == 0 ? 0 : 1 / Bf16Format.ToSingle(bits);
        var codes = stackalloc int[RowGroup.BlockColumns];
        Vector512.Store(Vector512.ConvertToInt32(Vector512.Round(low * inverse)), codes);
        Vector512.Store(Vector512.ConvertToInt32(Vector512.Round(high * inverse)), codes + 16);
        var pairs = (ushort*)values + lane;
        for (var pair = 0; pair < 16; pair++)
        {
            pairs[pair * RowGroup.HalfRows] = (ushort)((codes[2 * pair] & 0xFF) | (codes[(2 * pair) + 1] << 8));
        }
    }

    private static void PackInt4(byte* values, byte* scales, int lane, ReadOnlySpan<float> row)
    {
        var (smallest, largest) = (0f, 0f);
        foreach (var value in row)
        {
            (smallest, largest) = (MathF.Min(smallest, value), MathF.Max(largest, value));
        }

        var scale = (Half)((largest - smallest) / MaxInt4);
        if (!Half.IsFinite(scale))
        {
            throw new OverflowException(
                $"has values from {smallest} to {largest} in a block; int4 with float16 scales holds a range of {MaxInt4 * (float)Half.MaxValue:N0}.");
        }

        var inverse = scale == Half.Zero ? 0 : 1 / (float)scale;
        var zero = (int)Math.Clamp(MathF.Round(-smallest * inverse), 0, MaxInt4);
        ((Half*)scales)[lane] = scale;
        scales[Int4Weights.ZerosOffset + lane] = (byte)zero;
        for (var eighth = 0; eighth < 4; eighth++)
        {
            var codes = 0u;
            for (var i = 0; i < 8; i++)
            {
                codes |= (uint)Math.Clamp(MathF.Round(row[(8 * eighth) + i] * inverse) + zero, 0, MaxInt4) << (4 * i);
            }

            Nibbles.Store(values, lane, eighth, codes);
        }
    }

    private static void PackBf16(ushort* values, int lane, ReadOnlySpan<float> row)
    {
        for (var column = 0; column < row.Length; column++)
        {
            values[(column * RowGroup.HalfRows) + lane] = Bf16Format.FromSingle(row[column]);
        }
    }

    private static void PackFloat32(float* values, int lane, ReadOnlySpan<float> row)
    {
        for (var column = 0; column < row.Length; column++)
        {
            values[(column * RowGroup.HalfRows) + lane] = row[column];
        }
    }
}
