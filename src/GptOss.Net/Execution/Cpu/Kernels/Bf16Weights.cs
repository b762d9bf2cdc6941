using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>BF16 <c>[32 columns, 16 rows]</c> for half a block; no scales.</summary>
internal readonly unsafe struct Bf16Weights : IWeightFormat
{
    public static int ValueBytes => 1024;

    public static int ScaleBytes => 0;

    public static void Decode(byte* half, float* tile)
    {
        for (var column = 0; column < RowGroup.BlockColumns; column++)
        {
            Vector512.Store(Lanes.FromBf16((ushort*)half + (column * RowGroup.HalfRows)), tile + (column * RowGroup.HalfRows));
        }
    }
}
