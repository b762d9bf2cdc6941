using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Which rows of a stored matrix go where in the row groups in memory.</summary>
/// <param name="RowCount">How many rows are taken.</param>
/// <param name="RowStep">From one taken row to the next.</param>
/// <param name="FirstRow">The first taken row.</param>
/// <param name="LaneCount">How many rows a group receives.</param>
/// <param name="FirstLane">Where in the group they begin.</param>
internal sealed record RowSelection(
    int RowCount, int RowStep = 1, int FirstRow = 0, int LaneCount = RowGroup.Rows, int FirstLane = 0)
{
    /// <summary>Gates, which fill the first half of each group.</summary>
    /// <param name="rowCount">How many.</param>
    /// <param name="fused">They are every other row of their matrix, from the first; otherwise it holds nothing else.</param>
    public static RowSelection Gate(int rowCount, bool fused) => new(rowCount, fused ? 2 : 1, 0, RowGroup.HalfRows, 0);

    /// <summary>Ups, which fill the second half.</summary>
    /// <param name="rowCount">How many.</param>
    /// <param name="fused">They are every other row of their matrix, from the second; otherwise it holds nothing else.</param>
    public static RowSelection Up(int rowCount, bool fused) =>
        new(rowCount, fused ? 2 : 1, fused ? 1 : 0, RowGroup.HalfRows, RowGroup.HalfRows);

    /// <summary>The stored row of the selection's row <paramref name="index"/>.</summary>
    public int Row(int index) => FirstRow + (index * RowStep);

    /// <summary>The group that it goes to.</summary>
    public int Group(int index) => index / LaneCount;

    /// <summary>The row of that group.</summary>
    public int Lane(int index) => FirstLane + (index % LaneCount);
}
