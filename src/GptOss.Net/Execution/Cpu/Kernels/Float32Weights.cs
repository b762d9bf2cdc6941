using System.Runtime.CompilerServices;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Float32 <c>[32 columns, 16 rows]</c> for half a block; no scales.</summary>
internal readonly unsafe struct Float32Weights : IWeightFormat
{
    public static int ValueBytes => 2048;

    public static int ScaleBytes => 0;

    public static void Decode(byte* half, float* tile) => Unsafe.CopyBlockUnaligned(tile, half, 2048);
}
