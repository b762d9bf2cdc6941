using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// Int8 weights by int16 activations: with instructions that multiply int16 anyway, the finer activations cost nothing.
/// </summary>
internal static unsafe class Int8Int16Kernel
{
    /// <summary>Multiplies a row group with rows of activations; each result depends on its own row alone.</summary>
    /// <param name="group">The weights of 16 rows, as <see cref="Int8Weights"/>.</param>
    /// <param name="blocks">Blocks of 32 columns.</param>
    /// <param name="rows">Activations, as <see cref="ActivationFormat.Int16"/>, <c>[count]</c>.</param>
    /// <param name="count">How many rows of activations.</param>
    /// <param name="sums">Results, <c>[count, 16]</c>.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* group, int blocks, byte** rows, int count, float* sums)
    {
        new Span<float>(sums, count * RowGroup.Rows).Clear();
        for (var block = 0; block < blocks; block++, group += Int8Weights.ValueBytes + Int8Weights.ScaleBytes)
        {
            Lanes.Prefetch(group, Int8Weights.ValueBytes + Int8Weights.ScaleBytes);
            var values = (sbyte*)group;
            var (w0, w1) = (Lanes.FromSBytes(values), Lanes.FromSBytes(values + 32));
            var (w2, w3) = (Lanes.FromSBytes(values + 64), Lanes.FromSBytes(values + 96));
            var (w4, w5) = (Lanes.FromSBytes(values + 128), Lanes.FromSBytes(values + 160));
            var (w6, w7) = (Lanes.FromSBytes(values + 192), Lanes.FromSBytes(values + 224));
            var (w8, w9) = (Lanes.FromSBytes(values + 256), Lanes.FromSBytes(values + 288));
            var (w10, w11) = (Lanes.FromSBytes(values + 320), Lanes.FromSBytes(values + 352));
            var (w12, w13) = (Lanes.FromSBytes(values + 384), Lanes.FromSBytes(values + 416));
            var (w14, w15) = (Lanes.FromSBytes(values + 448), Lanes.FromSBytes(values + 480));
            var scale = Lanes.FromBf16((ushort*)(group + Int8Weights.ValueBytes));
            var offset = block * ActivationRow.Int16Bytes;
            var sum = sums;
            for (var row = 0; row < count; row++, sum += RowGroup.Rows)
            {
                var y = rows[row] + offset;
                var dot = DotProducts.Dot16(w0, w1, w2, w3, w4, w5, w6, w7, (short*)y)
                    + DotProducts.Dot16(w8, w9, w10, w11, w12, w13, w14, w15, (short*)y + 16);
                var scaled = scale * *(float*)(y + ActivationRow.ScaleOfInt16);
                Vector512.Store(Vector512.FusedMultiplyAdd(Vector512.ConvertToSingle(dot), scaled, Vector512.Load(sum)), sum);
            }
        }
    }
}
