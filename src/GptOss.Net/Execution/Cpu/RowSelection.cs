using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Which rows of a stored matrix fill which row groups in memory.</summary>
/// <param name="RowCount">How many rows are taken; the rest of the last group stays zero.</param>
/// <param name="RowStep">From one taken row to the next.</param>
/// <param name="FirstRow">The first taken row.</param>
/// <param name="GroupStep">From one filled group to the next.</param>
/// <param name="FirstGroup">The first filled group.</param>
internal sealed record RowSelection(int RowCount, int RowStep = 1, int FirstRow = 0, int GroupStep = 1, int FirstGroup = 0)
{
    /// <summary>Gets how many groups are filled.</summary>
    public int GroupCount => RowGroup.Groups(RowCount);

    /// <summary>Gates and ups in turn, 16 rows each: what the checkpoint fuses row by row, or keeps apart.</summary>
    public static RowSelection Gate(int rowCount, bool fused) => new(rowCount, fused ? 2 : 1, 0, 2, 0);

    public static RowSelection Up(int rowCount, bool fused) => new(rowCount, fused ? 2 : 1, fused ? 1 : 0, 2, 1);

    /// <summary>The group in memory of the selection's group <paramref name="index"/>.</summary>
    public int Group(int index) => FirstGroup + (index * GroupStep);

    /// <summary>The stored row for a lane of that group, or −1 for none.</summary>
    public int Row(int index, int lane)
    {
        var row = (index * RowGroup.Rows) + lane;
        return row < RowCount ? FirstRow + (row * RowStep) : -1;
    }
}
