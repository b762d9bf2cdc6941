using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// Int8 weights by int16 activations: with instructions that multiply int16 anyway, the finer activations cost nothing.
/// </summary>
internal static unsafe class Int8Int16Kernel
{
    // Rows of activations that are read side by side: more streams than these, and the machine no longer fetches them ahead.
    private const int Tile = 8;

    /// <summary>Multiplies a row group with rows of activations; each result depends on its own row alone.</summary>
    /// <param name="group">The weights of 32 rows, as <see cref="Int8Weights"/>.</param>
    /// <param name="blocks">Blocks of 32 columns.</param>
    /// <param name="rows">Activations, as <see cref="ActivationFormat.Int16"/>, <c>[count]</c>.</param>
    /// <param name="count">How many rows of activations.</param>
    /// <param name="sums">Results, <c>[count, 32]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* group, int blocks, byte** rows, int count, float* sums)
    {
        if (Avx2.IsSupported && !Avx512BW.IsSupported)
        {
            MultiplyAvx2(group, blocks, rows, count, sums);
            return;
        }

        for (var first = 0; first < count; first += Tile)
        {
            MultiplyTile(group, blocks, rows + first, Math.Min(Tile, count - first), sums + (first * RowGroup.Rows));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyTile(byte* group, int blocks, byte** rows, int count, float* sums)
    {
        var halfBytes = Int8Weights.ValueBytes + Int8Weights.ScaleBytes;

        // The integer sums of half a block's columns, which wait for the other columns.
        var dots = stackalloc int[Tile * RowGroup.Rows];
        new Span<float>(sums, count * RowGroup.Rows).Clear();
        for (var block = 0; block < blocks; block++, group += 2 * halfBytes)
        {
            Lanes.Prefetch(group, 2 * halfBytes);
            var second = group + halfBytes;
            var (scaleV, scaleW) = (Int8Weights.Scales(group), Int8Weights.Scales(second));
            var offset = block * ActivationRow.Int16Bytes;
            Columns(group, second, rows, offset, count, dots);
            Columns(group + 256, second + 256, rows, offset + 32, count, dots, sums, offset, scaleV, scaleW);
        }
    }

    // Eight rows at a time, their weights widened once to where the multiplications can read them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyAvx2(byte* group, int blocks, byte** rows, int count, float* sums)
    {
        const int pairs = RowGroup.BlockColumns / 2;
        var halfBytes = Int8Weights.ValueBytes + Int8Weights.ScaleBytes;
        var wide = stackalloc short[pairs * 16];
        new Span<float>(sums, count * RowGroup.Rows).Clear();
        for (var block = 0; block < blocks; block++)
        {
            for (var eight = 0; eight < RowGroup.Rows; eight += 8)
            {
                var half = group + (eight / RowGroup.HalfRows * halfBytes);
                var values = (sbyte*)half + (eight % RowGroup.HalfRows * 2);
                for (var pair = 0; pair < pairs; pair++)
                {
                    Vector256.Store(Avx2.ConvertToVector256Int16(Vector128.Load(values + (pair * 32))), wide + (pair * 16));
                }

                var scales = Int8Weights.Scales(half);
                EightRows(
                    wide, eight % RowGroup.HalfRows == 0 ? scales.GetLower() : scales.GetUpper(), rows,
                    block * ActivationRow.Int16Bytes, count, sums + eight);
            }

            group += 2 * halfBytes;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EightRows(short* wide, Vector256<float> scales, byte** rows, int offset, int count, float* sums)
    {
        for (var row = 0; row < count; row++, sums += RowGroup.Rows)
        {
            var y = rows[row] + offset;
            var (dot0, dot1, dot2, dot3) = (Vector256<int>.Zero, Vector256<int>.Zero, Vector256<int>.Zero, Vector256<int>.Zero);
            for (var pair = 0; pair < RowGroup.BlockColumns / 2; pair += 4)
            {
                dot0 += Pair(wide + (pair * 16), y + (pair * 4));
                dot1 += Pair(wide + (pair * 16) + 16, y + (pair * 4) + 4);
                dot2 += Pair(wide + (pair * 16) + 32, y + (pair * 4) + 8);
                dot3 += Pair(wide + (pair * 16) + 48, y + (pair * 4) + 12);
            }

            var dot = (dot0 + dot1) + (dot2 + dot3);
            var scale = scales * *(float*)(y + ActivationRow.ScaleOfInt16);
            Vector256.Store(Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(dot), scale, Vector256.Load(sums)), sums);
        }

        static Vector256<int> Pair(short* weights, byte* y) =>
            Avx2.MultiplyAddAdjacent(Vector256.Load(weights), Vector256.Create(*(int*)y).AsInt16());
    }

    /// <summary>The first 16 columns: integer sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Columns(byte* first, byte* second, byte** rows, int offset, int count, int* dots)
    {
        var v = (sbyte*)first;
        var w = (sbyte*)second;
        var (v0, v1, v2, v3) = (Lanes.FromSBytes(v), Lanes.FromSBytes(v + 32), Lanes.FromSBytes(v + 64), Lanes.FromSBytes(v + 96));
        var (v4, v5, v6, v7) = (Lanes.FromSBytes(v + 128), Lanes.FromSBytes(v + 160), Lanes.FromSBytes(v + 192), Lanes.FromSBytes(v + 224));
        var (w0, w1, w2, w3) = (Lanes.FromSBytes(w), Lanes.FromSBytes(w + 32), Lanes.FromSBytes(w + 64), Lanes.FromSBytes(w + 96));
        var (w4, w5, w6, w7) = (Lanes.FromSBytes(w + 128), Lanes.FromSBytes(w + 160), Lanes.FromSBytes(w + 192), Lanes.FromSBytes(w + 224));
        for (var row = 0; row < count; row++, dots += RowGroup.Rows)
        {
            var y = (short*)(rows[row] + offset);
            var (y0, y1, y2, y3) = (Two(y), Two(y + 2), Two(y + 4), Two(y + 6));
            var (y4, y5, y6, y7) = (Two(y + 8), Two(y + 10), Two(y + 12), Two(y + 14));
            var dotV = DotProducts.Dot16(v0, v1, v2, v3, v4, v5, v6, v7, y0, y1, y2, y3, y4, y5, y6, y7);
            var dotW = DotProducts.Dot16(w0, w1, w2, w3, w4, w5, w6, w7, y0, y1, y2, y3, y4, y5, y6, y7);
            Vector512.Store(dotV, dots);
            Vector512.Store(dotW, dots + RowGroup.HalfRows);
        }
    }

    /// <summary>The last 16 columns, added to the first, scaled and added to the results.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Columns(
        byte* first, byte* second, byte** rows, int offset, int count, int* dots, float* sums, int blockOffset,
        Vector512<float> scaleV, Vector512<float> scaleW)
    {
        var v = (sbyte*)first;
        var w = (sbyte*)second;
        var (v0, v1, v2, v3) = (Lanes.FromSBytes(v), Lanes.FromSBytes(v + 32), Lanes.FromSBytes(v + 64), Lanes.FromSBytes(v + 96));
        var (v4, v5, v6, v7) = (Lanes.FromSBytes(v + 128), Lanes.FromSBytes(v + 160), Lanes.FromSBytes(v + 192), Lanes.FromSBytes(v + 224));
        var (w0, w1, w2, w3) = (Lanes.FromSBytes(w), Lanes.FromSBytes(w + 32), Lanes.FromSBytes(w + 64), Lanes.FromSBytes(w + 96));
        var (w4, w5, w6, w7) = (Lanes.FromSBytes(w + 128), Lanes.FromSBytes(w + 160), Lanes.FromSBytes(w + 192), Lanes.FromSBytes(w + 224));
        for (var row = 0; row < count; row++, dots += RowGroup.Rows, sums += RowGroup.Rows)
        {
            var y = (short*)(rows[row] + offset);
            var (y0, y1, y2, y3) = (Two(y), Two(y + 2), Two(y + 4), Two(y + 6));
            var (y4, y5, y6, y7) = (Two(y + 8), Two(y + 10), Two(y + 12), Two(y + 14));
            var scale = Vector512.Create(*(float*)(rows[row] + blockOffset + ActivationRow.ScaleOfInt16));
            var dotV = DotProducts.Dot16(v0, v1, v2, v3, v4, v5, v6, v7, y0, y1, y2, y3, y4, y5, y6, y7);
            var dotW = DotProducts.Dot16(w0, w1, w2, w3, w4, w5, w6, w7, y0, y1, y2, y3, y4, y5, y6, y7);
            Add(sums, Vector512.Load(dots) + dotV, scaleV * scale);
            Add(sums + RowGroup.HalfRows, Vector512.Load(dots + RowGroup.HalfRows) + dotW, scaleW * scale);
        }
    }

    // Two values, in every lane.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Two(short* y) => Vector512.Create(*(int*)y).AsInt16();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* sum, Vector512<int> dot, Vector512<float> scale) =>
        Vector512.Store(Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(dot), scale, Vector512.Load(sum)), sum);
}
