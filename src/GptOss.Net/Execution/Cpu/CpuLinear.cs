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
                var width = Math.Min(RowGroup.Rows, stride - column);
                for (var i = 0; i < tile; i++)
                {
                    var row = sums + (i * RowGroup.Rows);
                    AddTo(row, matrix.Bias + column);
                    new Span<float>(row, width).CopyTo(new Span<float>(result + ((long)(first + i) * stride) + column, width));
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
                var column = group * RowGroup.Rows;
                for (var i = 0; i < tile; i++)
                {
                    var row = sums + (i * RowGroup.Rows);
                    AddTo(row, matrix.Bias + column);
                    AddTo(result + ((long)(first + i) * stride) + column, row);
                }
            }
        }
    }

    /// <summary>Adds the 32 values of a row group to others.</summary>
    private static void AddTo(float* target, float* values)
    {
        Vector512.Store(Vector512.Load(target) + Vector512.Load(values), target);
        Vector512.Store(
            Vector512.Load(target + RowGroup.HalfRows) + Vector512.Load(values + RowGroup.HalfRows), target + RowGroup.HalfRows);
    }
}
