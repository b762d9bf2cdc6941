using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using GptOss.Net.Quantization;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Int8 per 32 with a bfloat16 scale for each row.</summary>
/// <remarks>
/// Half a block:
/// <code>
///          row 0           row 1          …  row 15
/// pair 0   w0,0  w0,1      w1,0  w1,1        w15,0  w15,1      32 bytes: a 16-bit lane is a row and two columns
/// …
/// pair 15  w0,30 w0,31     …                 w15,30 w15,31
/// scales   s0              s1             …  s15               32 bytes
/// </code>
/// </remarks>
internal readonly unsafe struct Int8Weights : IWeightFormat
{
    private const int ValuesLength = 512;
    private const int MaxValue = 127;

    public static int ValueBytes => ValuesLength;

    public static int ScaleBytes => 32;

    public static ActivationFormat FastInput => ActivationFormat.Int16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scales(byte* half) => Lanes.FromBf16((ushort*)(half + ValuesLength));

    public static void Pack(byte* half, int lane, ReadOnlySpan<float> row)
    {
        var (low, high) = (Vector512.Create(row), Vector512.Create(row[16..]));
        var magnitudes = Vector512.Max(Vector512.Abs(low), Vector512.Abs(high));
        var quarter = Vector256.Max(magnitudes.GetLower(), magnitudes.GetUpper());
        var largest = 0f;
        for (var i = 0; i < Vector256<float>.Count; i++)
        {
            largest = MathF.Max(largest, quarter[i]);
        }

        // Rounded up, so that the largest value is not cut. Below every normal number the inverse would be infinite: zeros.
        var bits = (ushort)((BitConverter.SingleToUInt32Bits(largest / MaxValue) + 0xFFFF) >> 16);
        bits = float.IsNormal(Bf16Format.ToSingle(bits)) ? bits : (ushort)0;
        ((ushort*)(half + ValuesLength))[lane] = bits;
        var inverse = bits == 0 ? 0 : 1 / Bf16Format.ToSingle(bits);
        var codes = stackalloc int[RowGroup.BlockColumns];
        Vector512.Store(Vector512.ConvertToInt32(Vector512.Round(low * inverse)), codes);
        Vector512.Store(Vector512.ConvertToInt32(Vector512.Round(high * inverse)), codes + 16);
        var pairs = (ushort*)half + lane;
        for (var pair = 0; pair < 16; pair++)
        {
            pairs[pair * RowGroup.HalfRows] = (ushort)((codes[2 * pair] & 0xFF) | (codes[(2 * pair) + 1] << 8));
        }
    }

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

    public static void MultiplyFast(byte* group, int blocks, byte** rows, int count, float* sums) =>
        Int8Int16Kernel.Multiply(group, blocks, rows, count, sums);
}
