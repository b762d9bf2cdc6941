using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// Int8 per 32: byte (j, row, t), j &lt; 16, t &lt; 2, of half a block holds column 2 j + t of the row; for each row a bfloat16 scale.
/// </summary>
internal readonly unsafe struct Int8Weights : IWeightFormat
{
    private const int ValuesLength = 512;

    public static int ValueBytes => ValuesLength;

    public static int ScaleBytes => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scales(byte* half) => Lanes.FromBf16((ushort*)(half + ValuesLength));

    public static void Decode(byte* half, float* tile)
    {
        var scale = Scales(half);
        for (var pair = 0; pair < 16; pair++, tile += 2 * RowGroup.HalfRows)
        {
            var lanes = Lanes.FromSBytes((sbyte*)half + (pair * 32)).AsInt32();
            Vector512.Store(Vector512.ConvertToSingle(lanes << 16 >> 16) * scale, tile);
            Vector512.Store(Vector512.ConvertToSingle(lanes >> 16) * scale, tile + RowGroup.HalfRows);
        }
    }
}
