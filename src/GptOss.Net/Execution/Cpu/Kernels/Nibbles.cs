using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>The layout of 4 bit codes that <see cref="INibbleFormat"/> describes.</summary>
internal static unsafe class Nibbles
{
    private const int VectorBytes = 64;

    /// <summary>Decodes half a block to float32 <c>[32 columns, 16 rows]</c>.</summary>
    public static void Decode<TFormat>(byte* half, float* tile)
        where TFormat : struct, INibbleFormat
    {
        var (table, scale, zeros) = (TFormat.Table, TFormat.Scales(half), TFormat.Zeros(half));
        for (var vector = 0; vector < 4; vector++, tile += 8 * RowGroup.HalfRows)
        {
            var packed = Vector512.Load(half + (vector * VectorBytes));
            var low = Lanes.LookUpLow(table, packed).AsInt32();
            var high = Lanes.LookUpHigh(table, packed).AsInt32();
            for (var t = 0; t < 4; t++)
            {
                var mask = Vector512.Create(0xFF);
                Vector512.Store(Vector512.ConvertToSingle((low >> (8 * t) & mask) - zeros) * scale, tile + (t * RowGroup.HalfRows));
                Vector512.Store(
                    Vector512.ConvertToSingle((high >> (8 * t) & mask) - zeros) * scale, tile + ((t + 4) * RowGroup.HalfRows));
            }
        }
    }

    /// <summary>Stores eight neighbouring columns of a row, the first in the lowest nibble of <paramref name="codes"/>.</summary>
    public static void Store(byte* half, int row, int eighth, uint codes) =>
        *(uint*)(half + (eighth * VectorBytes) + (row * 4)) = Spread(codes & 0xFFFF) | (Spread(codes >> 16) << 4);

    /// <summary>Four nibbles to the low halves of four bytes.</summary>
    private static uint Spread(uint nibbles)
    {
        nibbles = (nibbles | (nibbles << 8)) & 0x00FF00FF;
        return (nibbles | (nibbles << 4)) & 0x0F0F0F0F;
    }
}
