using System.Runtime.CompilerServices;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Float32 <c>[32 columns, 16 rows]</c> for half a block; no scales.</summary>
internal readonly unsafe struct Float32Weights : IWeightFormat
{
    public static int ValueBytes => 2048;

    public static int ScaleBytes => 0;

    public static ActivationFormat FastInput => ActivationFormat.Float32;

    public static void Pack(byte* half, int lane, ReadOnlySpan<float> row)
    {
        for (var column = 0; column < row.Length; column++)
        {
            ((float*)half)[(column * RowGroup.HalfRows) + lane] = row[column];
        }
    }

    public static void Decode(byte* half, float* tile) => Unsafe.CopyBlockUnaligned(tile, half, 2048);

    public static void MultiplyFast(byte* group, int blocks, byte** rows, int count, float* sums) =>
        Float32Kernel.Multiply<Float32Weights>(group, blocks, rows, count, sums);
}
