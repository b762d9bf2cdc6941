using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>4 bit weights by int8 activations: integer dot products of a block, scaled and summed in float32, block after block.</summary>
internal static unsafe class NibbleInt8Kernel
{
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
                var (y0, y1, y2, y3) = (Four(y), Four(y + 4), Four(y + 8), Four(y + 12));
                var (y4, y5, y6, y7) = (Four(y + 16), Four(y + 20), Four(y + 24), Four(y + 28));
                var codeSum = Vector512.Create(*(int*)(y + ActivationRow.SumOfInt8)).AsInt16();
                var scale = Vector512.Create(*(float*)(y + ActivationRow.ScaleOfInt8));
                var dotV = DotProducts.Dot32(v0, v1, v2, v3, v4, v5, v6, v7, y0, y1, y2, y3, y4, y5, y6, y7) - DotProducts.Dot2(zerosV, codeSum);
                var dotW = DotProducts.Dot32(w0, w1, w2, w3, w4, w5, w6, w7, y0, y1, y2, y3, y4, y5, y6, y7) - DotProducts.Dot2(zerosW, codeSum);
                Add(sum, dotV, scaleV * scale);
                Add(sum + RowGroup.HalfRows, dotW, scaleW * scale);
            }
        }
    }

    // Four values, in every lane.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<sbyte> Four(byte* y) => Vector512.Create(*(int*)y).AsSByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* sum, Vector512<int> dot, Vector512<float> scale) =>
        Vector512.Store(Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(dot), scale, Vector512.Load(sum)), sum);
}
