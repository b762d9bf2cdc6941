using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// Integer dot products for the 16 rows of a <see cref="RowGroup"/>, exact in each of their forms. The JIT keeps only the form
/// that the machine has: AVX-512, AVX2, Arm's dot product, or plain 128-bit vectors.
/// </summary>
internal static class DotProducts
{
    /// <summary>
    /// Sums of 16 products: w i holds columns 4 i … 4 i + 3 of every row, a row to each 32-bit lane, y i the values of these columns
    /// in every lane. Weights are 0 … 24, so that 8 products with values of −127 … 127 fit an int16.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Dot16(
        Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3,
        Vector512<sbyte> y0, Vector512<sbyte> y1, Vector512<sbyte> y2, Vector512<sbyte> y3) =>
        Avx2.IsSupported
            ? Dot2((Pairs(w0, y0) + Pairs(w1, y1)) + (Pairs(w2, y2) + Pairs(w3, y3)), Vector512<short>.One)
            : (Dot4(w0, y0) + Dot4(w1, y1)) + (Dot4(w2, y2) + Dot4(w3, y3));

    /// <summary>
    /// Sums of 16 products: w i holds columns 2 i and 2 i + 1 of every row, a row to each 32-bit lane, y i the values of these columns
    /// in every lane. The sum of the products must fit an int32.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Dot16(
        Vector512<short> w0, Vector512<short> w1, Vector512<short> w2, Vector512<short> w3,
        Vector512<short> w4, Vector512<short> w5, Vector512<short> w6, Vector512<short> w7,
        Vector512<short> y0, Vector512<short> y1, Vector512<short> y2, Vector512<short> y3,
        Vector512<short> y4, Vector512<short> y5, Vector512<short> y6, Vector512<short> y7) =>
        ((Dot2(w0, y0) + Dot2(w1, y1)) + (Dot2(w2, y2) + Dot2(w3, y3)))
        + ((Dot2(w4, y4) + Dot2(w5, y5)) + (Dot2(w6, y6) + Dot2(w7, y7)));

    /// <summary>Two products of int16 for each lane, added.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Dot2(Vector512<short> left, Vector512<short> right)
    {
        if (Avx512BW.IsSupported)
        {
            return Avx512BW.MultiplyAddAdjacent(left, right);
        }

        return Avx2.IsSupported
            ? Vector512.Create(
                Avx2.MultiplyAddAdjacent(left.GetLower(), right.GetLower()), Avx2.MultiplyAddAdjacent(left.GetUpper(), right.GetUpper()))
            : Dot2Portable(left, right);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<int> Dot2Portable(Vector512<short> left, Vector512<short> right)
    {
        var (l, r) = (left.AsInt32(), right.AsInt32());
        return ((l << 16 >> 16) * (r << 16 >> 16)) + ((l >> 16) * (r >> 16));
    }

    /// <summary>Four columns of 16 rows, four rows at a time; every lane of <paramref name="y"/> is the same.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<int> Dot4(Vector512<byte> weights, Vector512<sbyte> y)
    {
        var values = y.GetLower().GetLower();
        var (lower, upper) = (weights.GetLower(), weights.GetUpper());
        return Vector512.Create(
            Vector256.Create(Quarter(lower.GetLower(), values), Quarter(lower.GetUpper(), values)),
            Vector256.Create(Quarter(upper.GetLower(), values), Quarter(upper.GetUpper(), values)));

        static Vector128<int> Quarter(Vector128<byte> weights, Vector128<sbyte> values)
        {
            if (Dp.IsSupported)
            {
                return Dp.DotProduct(Vector128<int>.Zero, weights.AsSByte(), values);
            }

            var y = Vector128.WidenLower(values);
            return Vector128.Create(Sum(Vector128.WidenLower(weights), y), Sum(Vector128.WidenUpper(weights), y));
        }

        // Two rows of four products each.
        static Vector64<int> Sum(Vector128<ushort> weights, Vector128<short> values)
        {
            var products = (weights.AsInt16() * values).AsInt32();
            var pairs = (products << 16 >> 16) + (products >> 16);
            return Vector64.Create(pairs[0] + pairs[1], pairs[2] + pairs[3]);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Pairs(Vector512<byte> weights, Vector512<sbyte> values) =>
        Avx512BW.IsSupported
            ? Avx512BW.MultiplyAddAdjacent(weights, values)
            : Vector512.Create(
                Avx2.MultiplyAddAdjacent(weights.GetLower(), values.GetLower()),
                Avx2.MultiplyAddAdjacent(weights.GetUpper(), values.GetUpper()));
}
