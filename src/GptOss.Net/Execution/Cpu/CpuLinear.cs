using System.Runtime.Intrinsics;
using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Multiplies some row groups of a matrix with all rows of activations, a tile of rows at a time.</summary>
internal static unsafe class CpuLinear
{
    /// <summary>result = W x + b.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="groups">The row groups to compute.</param>
    /// <param name="input">The activations.</param>
    /// <param name="count">How many rows of them.</param>
    /// <param name="result">Results, <c>[count, stride]</c>.</param>
    /// <param name="stride">From one row of results to the next; what a last group has beyond it is left out.</param>
    /// <param name="sums">Room for a tile of sums.</param>
    public static void Store(CpuMatrix matrix, WorkShare groups, ActivationBuffer input, int count, float* result, int stride, float* sums)
    {
        for (var first = 0; first < count; first += CpuWorkspace.TileTokens)
        {
            var tile = Math.Min(CpuWorkspace.TileTokens, count - first);
            for (var group = groups.Start; group < groups.End; group++)
            {
                matrix.Multiply(input.Format, group, input.Rows + first, tile, sums);
                var column = group * RowGroup.Rows;
                var bias = Vector512.Load(matrix.Bias + column);
                for (var i = 0; i < tile; i++)
                {
                    var sum = Vector512.Load(sums + (i * RowGroup.Rows)) + bias;
                    var target = result + ((long)(first + i) * stride) + column;
                    if (column + RowGroup.Rows <= stride)
                    {
                        Vector512.Store(sum, target);
                    }
                    else
                    {
                        Vector512.Store(sum, sums + (i * RowGroup.Rows));
                        new Span<float>(sums + (i * RowGroup.Rows), stride - column).CopyTo(new Span<float>(target, stride - column));
                    }
                }
            }
        }
    }

    /// <summary>result += W x + b.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="groups">The row groups to compute.</param>
    /// <param name="input">The activations.</param>
    /// <param name="count">How many rows of them.</param>
    /// <param name="result">Results, <c>[count, stride]</c>; rows are padded to whole groups.</param>
    /// <param name="stride">From one row of results to the next.</param>
    /// <param name="sums">Room for a tile of sums.</param>
    public static void Add(CpuMatrix matrix, WorkShare groups, ActivationBuffer input, int count, float* result, int stride, float* sums)
    {
        for (var first = 0; first < count; first += CpuWorkspace.TileTokens)
        {
            var tile = Math.Min(CpuWorkspace.TileTokens, count - first);
            for (var group = groups.Start; group < groups.End; group++)
            {
                matrix.Multiply(input.Format, group, input.Rows + first, tile, sums);
                var bias = Vector512.Load(matrix.Bias + (group * RowGroup.Rows));
                var target = result + ((long)first * stride) + (group * RowGroup.Rows);
                for (var i = 0; i < tile; i++, target += stride)
                {
                    Vector512.Store(Vector512.Load(target) + (Vector512.Load(sums + (i * RowGroup.Rows)) + bias), target);
                }
            }
        }
    }
}
