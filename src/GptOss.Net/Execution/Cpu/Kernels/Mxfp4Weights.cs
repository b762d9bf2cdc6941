using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// MXFP4: codes of e2m1 values (see <see cref="INibbleFormat"/>), and for each row a byte e that stands for 2^(e − 127).
/// </summary>
internal readonly unsafe struct Mxfp4Weights : INibbleFormat
{
    private const int ValuesLength = 256;

    public static int ValueBytes => ValuesLength;

    public static int ScaleBytes => 16;

    public static ActivationFormat FastInput => ActivationFormat.Int8;

    /// <summary>Gets twice the e2m1 values, plus 12: no entry is negative.</summary>
    public static Vector512<byte> Table
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Lanes.Table(Vector128.Create((byte)12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
    }

    /// <summary>Half of 2^(e − 127), as the table holds doubles. 2^−127 itself, below every normal number, becomes 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scales(byte* half) => (Lanes.FromBytes(half + ValuesLength) << 23).AsSingle() * 0.5f;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Zeros(byte* half) => Vector512.Create(12);

    public static void Pack(byte* half, int lane, ReadOnlySpan<float> row) =>
        throw new NotSupportedException("Nothing is quantized to MXFP4 at load: it holds what a checkpoint stores in it.");

    /// <summary>Stores a row of a checkpoint, as it is.</summary>
    /// <param name="matrix">An MXFP4 matrix.</param>
    /// <param name="group">The row group.</param>
    /// <param name="groupRow">The row of the group.</param>
    /// <param name="codes">The row's blocks of 16 bytes, as the checkpoint has them.</param>
    /// <param name="scales">The row's scales, a byte for each block.</param>
    public static void PackRow(CpuMatrix matrix, int group, int groupRow, ReadOnlySpan<byte> codes, ReadOnlySpan<byte> scales)
    {
        var lane = groupRow % RowGroup.HalfRows;
        fixed (byte* stored = codes)
        {
            // Little-endian: nibble i of a word is its value i.
            var words = (uint*)stored;
            for (var block = 0; block < matrix.Blocks; block++, words += 4)
            {
                var half = matrix.HalfBlock(group, groupRow, block);
                for (var eighth = 0; eighth < 4; eighth++)
                {
                    Nibbles.Store(half, lane, eighth, words[eighth]);
                }

                half[ValuesLength + lane] = scales[block];
            }
        }
    }

    public static void Decode(byte* half, float* tile) => Nibbles.Decode<Mxfp4Weights>(half, tile);

    public static void MultiplyFast(byte* group, int blocks, byte** rows, int count, float* sums) =>
        NibbleInt8Kernel.Multiply<Mxfp4Weights>(group, blocks, rows, count, sums);
}
