namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>The unit of every weight layout here: 16 rows (one per 32-bit lane of a vector) by blocks of 32 columns.</summary>
internal static class RowGroup
{
    /// <summary>Rows of a group: results of one vector.</summary>
    public const int Rows = 16;

    /// <summary>Columns of a block: weights and activations that share a scale.</summary>
    public const int BlockColumns = 32;

    public static int Groups(int rows) => (rows + Rows - 1) / Rows;

    public static int Blocks(int columns) => (columns + BlockColumns - 1) / BlockColumns;
}
