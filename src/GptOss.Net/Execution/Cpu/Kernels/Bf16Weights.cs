using System.Runtime.Intrinsics;
using GptOss.Net.Quantization;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>BF16 <c>[32 columns, 16 rows]</c> for half a block; no scales.</summary>
internal readonly unsafe struct Bf16Weights : IWeightFormat
{
    public static int ValueBytes => 1024;

    public static int ScaleBytes => 0;

    public static ActivationFormat FastInput => ActivationFormat.Float32;

    public static void Pack(byte* half, int lane, ReadOnlySpan<float> row)
    {
        for (var column = 0; column < row.Length; column++)
        {
            ((ushort*)half)[(column * RowGroup.HalfRows) + lane] = Bf16Format.FromSingle(row[column]);
        }
    }

    public static void Decode(byte* half, float* tile)
    {
        for (var column = 0; column < RowGroup.BlockColumns; column++)
        {
            Vector512.Store(Lanes.FromBf16((ushort*)half + (column * RowGroup.HalfRows)), tile + (column * RowGroup.HalfRows));
        }
    }

    public static void MultiplyFast(byte* group, int blocks, byte** rows, int count, float* sums) =>
        Float32Kernel.Multiply<Bf16Weights>(group, blocks, rows, count, sums);
}
