using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>Weights of any format by float32 activations: exact but for float32's own rounding.</summary>
internal static unsafe class Float32Kernel
{
    private const int TileSize = RowGroup.BlockColumns * RowGroup.HalfRows;

    /// <summary>Multiplies a row group with rows of activations; each result depends on its own row alone.</summary>
    /// <param name="group">The weights of 32 rows.</param>
    /// <param name="blocks">Blocks of 32 columns.</param>
    /// <param name="rows">Activations, float32, <c>[count]</c>.</param>
    /// <param name="count">How many rows of activations.</param>
    /// <param name="sums">Results, <c>[count, 32]</c>.</param>
    /// <typeparam name="TFormat">The format of the weights.</typeparam>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply<TFormat>(byte* group, int blocks, byte** rows, int count, float* sums)
        where TFormat : struct, IWeightFormat
    {
        var tile = stackalloc float[2 * TileSize];
        var halfBytes = TFormat.ValueBytes + TFormat.ScaleBytes;
        new Span<float>(sums, count * RowGroup.Rows).Clear();
        for (var block = 0; block < blocks; block++, group += 2 * halfBytes)
        {
            Lanes.Prefetch(group, 2 * halfBytes);
            TFormat.Decode(group, tile);
            TFormat.Decode(group + halfBytes, tile + TileSize);
            for (var row = 0; row < count; row++)
            {
                Add(tile, (float*)rows[row] + (block * RowGroup.BlockColumns), sums + (row * RowGroup.Rows));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(float* tile, float* y, float* sums)
    {
        var (v0, v1, v2, v3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var (w0, w1, w2, w3) = (v0, v0, v0, v0);
        for (var column = 0; column < RowGroup.BlockColumns; column += 4, y += 4, tile += 4 * RowGroup.HalfRows)
        {
            var (y0, y1) = (Vector512.Create(y[0]), Vector512.Create(y[1]));
            var (y2, y3) = (Vector512.Create(y[2]), Vector512.Create(y[3]));
            v0 = Vector512.FusedMultiplyAdd(Vector512.Load(tile), y0, v0);
            v1 = Vector512.FusedMultiplyAdd(Vector512.Load(tile + 16), y1, v1);
            v2 = Vector512.FusedMultiplyAdd(Vector512.Load(tile + 32), y2, v2);
            v3 = Vector512.FusedMultiplyAdd(Vector512.Load(tile + 48), y3, v3);
            w0 = Vector512.FusedMultiplyAdd(Vector512.Load(tile + TileSize), y0, w0);
            w1 = Vector512.FusedMultiplyAdd(Vector512.Load(tile + TileSize + 16), y1, w1);
            w2 = Vector512.FusedMultiplyAdd(Vector512.Load(tile + TileSize + 32), y2, w2);
            w3 = Vector512.FusedMultiplyAdd(Vector512.Load(tile + TileSize + 48), y3, w3);
        }

        Vector512.Store(Vector512.Load(sums) + ((v0 + v1) + (v2 + v3)), sums);
        Vector512.Store(Vector512.Load(sums + RowGroup.HalfRows) + ((w0 + w1) + (w2 + w3)), sums + RowGroup.HalfRows);
    }
}
