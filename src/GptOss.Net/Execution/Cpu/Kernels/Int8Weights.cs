using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// Int8 per 32: byte (j, row, t), j &lt; 16, t &lt; 2, of a block holds column 2 j + t of the row; for each row of a block a bfloat16 scale.
/// </summary>
internal readonly unsafe struct Int8Weights : IWeightFormat
{
    public static int ValueBytes => 512;

    public static int ScaleBytes => 32;

    public static void Decode(byte* values, byte* scales, float* tile)
    {
        var scale = Lanes.FromBf16((ushort*)scales);
        for (var pair = 0; pair < 16; pair++, tile += 2 * RowGroup.Rows)
        {
            var lanes = Lanes.FromSBytes((sbyte*)values + (pair * 32)).AsInt32();
            Vector512.Store(Vector512.ConvertToSingle(lanes << 16 >> 16) * scale, tile);
            Vector512.Store(Vector512.ConvertToSingle(lanes >> 16) * scale, tile + RowGroup.Rows);
        }
    }
}
