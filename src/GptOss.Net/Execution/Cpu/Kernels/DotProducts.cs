using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// Integer dot products for the 16 rows of a <see cref="RowGroup"/>, exact in each of their forms. The JIT keeps only the form
/// that the machine has: AVX-512, AVX2, Arm's dot product, or plain 128-bit vectors.
/// </summary>
internal static unsafe class DotProducts
{
    /// <summary>
    /// Sums of 32 products: vector i holds columns 4 i … 4 i + 3 of every row, a row to each 32-bit lane. Weights are 0 … 24, so
    /// that 16 products with values of −127 … 127 fit an int16.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Dot32(
        Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3,
        Vector512<byte> w4, Vector512<byte> w5, Vector512<byte> w6, Vector512<byte> w7, sbyte* y)
    {
        if (Avx512BW.IsSupported)
        {
            return Dot32Avx512(w0, w1, w2, w3, w4, w5, w6, w7, y);
        }

        return Avx2.IsSupported
            ? Vector512.Create(
                Dot32Avx2(
                    w0.GetLower(), w1.GetLower(), w2.GetLower(), w3.GetLower(),
                    w4.GetLower(), w5.GetLower(), w6.GetLower(), w7.GetLower(), y),
                Dot32Avx2(
                    w0.GetUpper(), w1.GetUpper(), w2.GetUpper(), w3.GetUpper(),
                    w4.GetUpper(), w5.GetUpper(), w6.GetUpper(), w7.GetUpper(), y))
            : Dot4(w0, y) + Dot4(w1, y + 4) + Dot4(w2, y + 8) + Dot4(w3, y + 12)
                + Dot4(w4, y + 16) + Dot4(w5, y + 20) + Dot4(w6, y + 24) + Dot4(w7, y + 28);
    }

    /// <summary>
    /// Sums of 16 products: vector i holds columns 2 i and 2 i + 1 of every row, a row to each 32-bit lane. The sum of the
    /// products must fit an int32.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Dot16(
        Vector512<short> w0, Vector512<short> w1, Vector512<short> w2, Vector512<short> w3,
        Vector512<short> w4, Vector512<short> w5, Vector512<short> w6, Vector512<short> w7, short* y) =>
        ((Dot2(w0, *(int*)y) + Dot2(w1, *(int*)(y + 2))) + (Dot2(w2, *(int*)(y + 4)) + Dot2(w3, *(int*)(y + 6))))
        + ((Dot2(w4, *(int*)(y + 8)) + Dot2(w5, *(int*)(y + 10))) + (Dot2(w6, *(int*)(y + 12)) + Dot2(w7, *(int*)(y + 14))));

    /// <summary>Products of an int16 in the low half of every lane with <paramref name="value"/>; upper halves are 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<int> Scale(Vector512<int> lanes, int value) => Dot2(lanes.AsInt16(), value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<int> Dot32Avx512(
        Vector512<byte> w0, Vector512<byte> w1, Vector512<byte> w2, Vector512<byte> w3,
        Vector512<byte> w4, Vector512<byte> w5, Vector512<byte> w6, Vector512<byte> w7, sbyte* y)
    {
        var low = (Pairs(w0, y) + Pairs(w1, y + 4)) + (Pairs(w2, y + 8) + Pairs(w3, y + 12));
        var high = (Pairs(w4, y + 16) + Pairs(w5, y + 20)) + (Pairs(w6, y + 24) + Pairs(w7, y + 28));
        return Avx512BW.MultiplyAddAdjacent(low, Vector512<short>.One) + Avx512BW.MultiplyAddAdjacent(high, Vector512<short>.One);

        static Vector512<short> Pairs(Vector512<byte> weights, sbyte* y) =>
            Avx512BW.MultiplyAddAdjacent(weights, Vector512.Create(*(int*)y).AsSByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<int> Dot32Avx2(
        Vector256<byte> w0, Vector256<byte> w1, Vector256<byte> w2, Vector256<byte> w3,
        Vector256<byte> w4, Vector256<byte> w5, Vector256<byte> w6, Vector256<byte> w7, sbyte* y)
    {
        var low = (Pairs(w0, y) + Pairs(w1, y + 4)) + (Pairs(w2, y + 8) + Pairs(w3, y + 12));
        var high = (Pairs(w4, y + 16) + Pairs(w5, y + 20)) + (Pairs(w6, y + 24) + Pairs(w7, y + 28));
        return Avx2.MultiplyAddAdjacent(low, Vector256<short>.One) + Avx2.MultiplyAddAdjacent(high, Vector256<short>.One);

        static Vector256<short> Pairs(Vector256<byte> weights, sbyte* y) =>
            Avx2.MultiplyAddAdjacent(weights, Vector256.Create(*(int*)y).AsSByte());
    }

    /// <summary>Four columns of 16 rows, four rows at a time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<int> Dot4(Vector512<byte> weights, sbyte* y)
    {
        var values = Vector128.Create(*(int*)y).AsSByte();
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
    internal static Vector512<int> Dot2(Vector512<short> weights, int pair)
    {
        if (Avx512BW.IsSupported)
        {
            return Avx512BW.MultiplyAddAdjacent(weights, Vector512.Create(pair).AsInt16());
        }

        if (Avx2.IsSupported)
        {
            var values = Vector256.Create(pair).AsInt16();
            return Vector512.Create(
                Avx2.MultiplyAddAdjacent(weights.GetLower(), values), Avx2.MultiplyAddAdjacent(weights.GetUpper(), values));
        }

        return Dot2Portable(weights, pair);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<int> Dot2Portable(Vector512<short> weights, int pair)
    {
        var lanes = weights.AsInt32();
        return ((lanes << 16 >> 16) * (pair << 16 >> 16)) + ((lanes >> 16) * (pair >> 16));
    }
}
