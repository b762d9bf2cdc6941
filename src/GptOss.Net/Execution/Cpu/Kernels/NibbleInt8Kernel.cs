using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>4 bit weights by int8 activations: integer dot products of a block, scaled and summed in float32, block after block.</summary>
internal static unsafe class NibbleInt8Kernel
{
    // Rows of activations that are read side by side: more streams than these, and the machine no longer fetches them ahead.
    private const int Tile = 8;

    /// <summary>Multiplies a row group with rows of activations; each result depends on its own row alone.</summary>
    /// <param name="group">The weights of 32 rows.</param>
    /// <param name="blocks">Blocks of 32 columns.</param>
    /// <param name="rows">Activations, as <see cref="ActivationFormat.Int8"/>, <c>[count]</c>.</param>
    /// <param name="count">How many rows of activations.</param>
    /// <param name="sums">Results, <c>[count, 32]</c>.</param>
    /// <typeparam name="TFormat">The format of the weights.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TFormat>(byte* group, int blocks, byte** rows, int count, float* sums)
        where TFormat : struct, INibbleFormat
    {
        if (Avx2.IsSupported && !Avx512BW.IsSupported)
        {
            MultiplyAvx2<TFormat>(group, blocks, rows, count, sums);
            return;
        }

        for (var first = 0; first < count; first += Tile)
        {
            MultiplyTile<TFormat>(group, blocks, rows + first, Math.Min(Tile, count - first), sums + (first * RowGroup.Rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyTile<TFormat>(byte* group, int blocks, byte** rows, int count, float* sums)
        where TFormat : struct, INibbleFormat
    {
        var table = TFormat.Table;
        var halfBytes = TFormat.ValueBytes + TFormat.ScaleBytes;
        new Span<float>(sums, count * RowGroup.Rows).Clear();
        for (var block = 0; block < blocks; block++, group += 2 * halfBytes)
        {
            Lanes.Prefetch(group, 2 * halfBytes);
            var (p0, p1) = (Vector512.Load(group), Vector512.Load(group + 64));
            var (p2, p3) = (Vector512.Load(group + 128), Vector512.Load(group + 192));
            var (v0, v1) = (Lanes.LookUpLow(table, p0), Lanes.LookUpHigh(table, p0));
            var (v2, v3) = (Lanes.LookUpLow(table, p1), Lanes.LookUpHigh(table, p1));
            var (v4, v5) = (Lanes.LookUpLow(table, p2), Lanes.LookUpHigh(table, p2));
            var (v6, v7) = (Lanes.LookUpLow(table, p3), Lanes.LookUpHigh(table, p3));
            var (scaleV, zerosV) = (TFormat.Scales(group), TFormat.Zeros(group).AsInt16());
            var second = group + halfBytes;
            (p0, p1) = (Vector512.Load(second), Vector512.Load(second + 64));
            (p2, p3) = (Vector512.Load(second + 128), Vector512.Load(second + 192));
            var (w0, w1) = (Lanes.LookUpLow(table, p0), Lanes.LookUpHigh(table, p0));
            var (w2, w3) = (Lanes.LookUpLow(table, p1), Lanes.LookUpHigh(table, p1));
            var (w4, w5) = (Lanes.LookUpLow(table, p2), Lanes.LookUpHigh(table, p2));
            var (w6, w7) = (Lanes.LookUpLow(table, p3), Lanes.LookUpHigh(table, p3));
            var (scaleW, zerosW) = (TFormat.Scales(second), TFormat.Zeros(second).AsInt16());
            var offset = block * ActivationRow.Int8Bytes;
            var sum = sums;
            for (var row = 0; row < count; row++, sum += RowGroup.Rows)
            {
                var y = rows[row] + offset;

                // Half of the columns after the other, so that all of this fits the registers.
                var (y0, y1, y2, y3) = (Four(y), Four(y + 4), Four(y + 8), Four(y + 12));
                var dotV = DotProducts.Dot16(v0, v1, v2, v3, y0, y1, y2, y3);
                var dotW = DotProducts.Dot16(w0, w1, w2, w3, y0, y1, y2, y3);
                (y0, y1, y2, y3) = (Four(y + 16), Four(y + 20), Four(y + 24), Four(y + 28));
                dotV += DotProducts.Dot16(v4, v5, v6, v7, y0, y1, y2, y3);
                dotW += DotProducts.Dot16(w4, w5, w6, w7, y0, y1, y2, y3);
                var codeSum = Vector512.Create(*(int*)(y + ActivationRow.SumOfInt8)).AsInt16();
                var scale = Vector512.Create(*(float*)(y + ActivationRow.ScaleOfInt8));
                dotV -= DotProducts.Dot2(zerosV, codeSum);
                dotW -= DotProducts.Dot2(zerosW, codeSum);
                Add(sum, dotV, scaleV * scale);
                Add(sum + RowGroup.HalfRows, dotW, scaleW * scale);
            }
        }
    }

    // Eight rows at a time: half as wide, and half as many registers.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyAvx2<TFormat>(byte* group, int blocks, byte** rows, int count, float* sums)
        where TFormat : struct, INibbleFormat
    {
        var halfBytes = TFormat.ValueBytes + TFormat.ScaleBytes;
        new Span<float>(sums, count * RowGroup.Rows).Clear();
        for (var block = 0; block < blocks; block++)
        {
            for (var half = 0; half < 2; half++, group += halfBytes)
            {
                var (scales, zeros) = (TFormat.Scales(group), TFormat.Zeros(group).AsInt16());
                var offset = block * ActivationRow.Int8Bytes;
                var target = sums + (half * RowGroup.HalfRows);
                EightRows<TFormat>(group, scales.GetLower(), zeros.GetLower(), rows, offset, count, target);
                EightRows<TFormat>(group + 32, scales.GetUpper(), zeros.GetUpper(), rows, offset, count, target + 8);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EightRows<TFormat>(
        byte* packed, Vector256<float> scales, Vector256<short> zeros, byte** rows, int offset, int count, float* sums)
        where TFormat : struct, INibbleFormat
    {
        var table = TFormat.Table.GetLower();
        var mask = Vector256.Create((byte)0xF);
        var (p0, p1, p2, p3) =
            (Vector256.Load(packed), Vector256.Load(packed + 64), Vector256.Load(packed + 128), Vector256.Load(packed + 192));
        var (w0, w1) = (Avx2.Shuffle(table, p0 & mask), Avx2.Shuffle(table, (p0.AsUInt16() >> 4).AsByte() & mask));
        var (w2, w3) = (Avx2.Shuffle(table, p1 & mask), Avx2.Shuffle(table, (p1.AsUInt16() >> 4).AsByte() & mask));
        var (w4, w5) = (Avx2.Shuffle(table, p2 & mask), Avx2.Shuffle(table, (p2.AsUInt16() >> 4).AsByte() & mask));
        var (w6, w7) = (Avx2.Shuffle(table, p3 & mask), Avx2.Shuffle(table, (p3.AsUInt16() >> 4).AsByte() & mask));
        for (var row = 0; row < count; row++, sums += RowGroup.Rows)
        {
            var y = rows[row] + offset;
            var low = (Pairs(w0, y) + Pairs(w1, y + 4)) + (Pairs(w2, y + 8) + Pairs(w3, y + 12));
            var high = (Pairs(w4, y + 16) + Pairs(w5, y + 20)) + (Pairs(w6, y + 24) + Pairs(w7, y + 28));
            var dot = Avx2.MultiplyAddAdjacent(low, Vector256<short>.One) + Avx2.MultiplyAddAdjacent(high, Vector256<short>.One)
                - Avx2.MultiplyAddAdjacent(zeros, Vector256.Create(*(int*)(y + ActivationRow.SumOfInt8)).AsInt16());
            var scale = scales * *(float*)(y + ActivationRow.ScaleOfInt8);
            Vector256.Store(Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(dot), scale, Vector256.Load(sums)), sums);
        }

        static Vector256<short> Pairs(Vector256<byte> weights, byte* y) =>
            Avx2.MultiplyAddAdjacent(weights, Vector256.Create(*(int*)y).AsSByte());
    }

    // Four values, in every lane.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<sbyte> Four(byte* y) => Vector512.Create(*(int*)y).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* sum, Vector512<int> dot, Vector512<float> scale) =>
        Vector512.Store(Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(dot), scale, Vector512.Load(sum)), sum);
}
