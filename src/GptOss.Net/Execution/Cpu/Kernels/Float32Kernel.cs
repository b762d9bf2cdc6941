using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Weights of any format by float32 activations: exact but for float32's own rounding.</summary>
internal static unsafe class Float32Kernel
{
    private const int TileSize = RowGroup.BlockColumns * RowGroup.Rows;

    /// <summary>Multiplies a row group with rows of activations; each result depends on its own row alone.</summary>
    /// <param name="group">The weights of 16 rows.</param>
    /// <param name="blocks">Blocks of 32 columns.</param>
    /// <param name="rows">Activations, float32, <c>[count]</c>.</param>
    /// <param name="count">How many rows of activations.</param>
    /// <param name="sums">Results, <c>[count, 16]</c>.</param>
    /// <typeparam name="TFormat">The format of the weights.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TFormat>(byte* group, int blocks, byte** rows, int count, float* sums)
        where TFormat : struct, IWeightFormat
    {
        var tile = stackalloc float[TileSize];
        new Span<float>(sums, count * RowGroup.Rows).Clear();
        for (var block = 0; block < blocks; block++, group += TFormat.ValueBytes + TFormat.ScaleBytes)
        {
            Lanes.Prefetch(group, TFormat.ValueBytes + TFormat.ScaleBytes);
            TFormat.Decode(group, group + TFormat.ValueBytes, tile);
            for (var row = 0; row < count; row++)
            {
                var y = (float*)rows[row] + (block * RowGroup.BlockColumns);
                var sum = sums + (row * RowGroup.Rows);
                Vector512.Store(Vector512.Load(sum) + Dot32(tile, y), sum);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Dot32(float* tile, float* y)
    {
        var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        for (var column = 0; column < RowGroup.BlockColumns; column += 4, y += 4, tile += 4 * RowGroup.Rows)
        {
            s0 = Vector512.FusedMultiplyAdd(Vector512.Load(tile), Vector512.Create(y[0]), s0);
            s1 = Vector512.FusedMultiplyAdd(Vector512.Load(tile + 16), Vector512.Create(y[1]), s1);
            s2 = Vector512.FusedMultiplyAdd(Vector512.Load(tile + 32), Vector512.Create(y[2]), s2);
            s3 = Vector512.FusedMultiplyAdd(Vector512.Load(tile + 48), Vector512.Create(y[3]), s3);
        }

        return (s0 + s1) + (s2 + s3);
    }
}
