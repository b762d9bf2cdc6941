using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GptOss.Net.Quantization;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// Int4 with zeros, as AWQ has it: behind the codes (see <see cref="INibbleFormat"/>), for each row a half precision scale of either sign,
/// then for each row a byte of zero.
/// </summary>
internal readonly unsafe struct Int4Weights : INibbleFormat
{
    private const int ValuesLength = 256;

    // Where the zeros begin behind the scales.
    private const int ZerosOffset = 32;
    private const int MaxValue = 15;

    public static int ValueBytes => ValuesLength;

    public static int ScaleBytes => 48;

    public static ActivationFormat FastInput => ActivationFormat.Int8;

    public static Vector512<byte> Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Lanes.Table(Vector128<byte>.Indices);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scales(byte* half) => Lanes.FromFiniteHalf((short*)(half + ValuesLength));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Zeros(byte* half) => Lanes.FromBytes(half + ValuesLength + ZerosOffset);

    public static void Pack(byte* half, int lane, ReadOnlySpan<float> row)
    {
        var (smallest, largest) = (0f, 0f);
        foreach (var value in row)
        {
            (smallest, largest) = (MathF.Min(smallest, value), MathF.Max(largest, value));
        }

        var scale = (Half)((largest - smallest) / MaxValue);
        if (!Half.IsFinite(scale))
        {
            throw new OverflowException(
                $"has values from {smallest} to {largest} in a block; "
                + $"int4 with float16 scales holds a range of {MaxValue * (float)Half.MaxValue:N0}.");
        }

        var inverse = scale == Half.Zero ? 0 : 1 / (float)scale;
        var zero = (int)Math.Clamp(MathF.Round(-smallest * inverse), 0, MaxValue);
        StoreScale(half, lane, scale, zero);
        for (var eighth = 0; eighth < 4; eighth++)
        {
            var codes = 0u;
            for (var i = 0; i < 8; i++)
            {
                codes |= (uint)Math.Clamp(MathF.Round(row[(8 * eighth) + i] * inverse) + zero, 0, MaxValue) << (4 * i);
            }

            Nibbles.Store(half, lane, eighth, codes);
        }
    }

    /// <summary>Stores a row of AWQ whose groups hold whole blocks, as it is.</summary>
    /// <param name="matrix">An int4 matrix.</param>
    /// <param name="group">The row group.</param>
    /// <param name="groupRow">The row of the group.</param>
    /// <param name="source">The stored matrix.</param>
    /// <param name="output">Its output that is this row.</param>
    public static void PackRow(CpuMatrix matrix, int group, int groupRow, in AwqMatrix source, int output)
    {
        var lane = groupRow % RowGroup.HalfRows;
        var rowWords = source.OutputSize / AwqFormat.ValuesPerWord;
        for (var block = 0; block < matrix.Blocks; block++)
        {
            var half = matrix.HalfBlock(group, groupRow, block);
            var input = block * RowGroup.BlockColumns;
            for (var eighth = 0; eighth < 4; eighth++)
            {
                var codes = 0u;
                for (var i = 0; i < 8; i++, input++)
                {
                    codes |= (uint)AwqFormat.Unpack(source.Words.Slice(input * rowWords, rowWords), output) << (4 * i);
                }

                Nibbles.Store(half, lane, eighth, codes);
            }

            var scaleGroup = block * RowGroup.BlockColumns / source.GroupSize;
            StoreScale(
                half,
                lane,
                source.Scales[(scaleGroup * source.OutputSize) + output],
                AwqFormat.Unpack(source.Zeros.Slice(scaleGroup * rowWords, rowWords), output));
        }
    }

    public static void Decode(byte* half, float* tile) => Nibbles.Decode<Int4Weights>(half, tile);

    public static void MultiplyFast(byte* group, int blocks, byte** rows, int count, float* sums) =>
        NibbleInt8Kernel.Multiply<Int4Weights>(group, blocks, rows, count, sums);

    private static void StoreScale(byte* half, int lane, Half scale, int zero)
    {
        ((Half*)(half + ValuesLength))[lane] = scale;
        half[ValuesLength + ZerosOffset + lane] = (byte)zero;
    }
}
