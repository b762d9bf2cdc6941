namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// The unit of every weight layout here: 32 rows by blocks of 32 columns. A block holds its first 16 rows and then its last 16,
/// a row to each 32-bit lane of a vector; both halves share each broadcast of the activations.
/// </summary>
internal static class RowGroup
{
    /// <summary>Rows of a group.</summary>
    public const int Rows = 2 * HalfRows;

    /// <summary>Rows of half a group: the lanes of a vector.</summary>
    public const int HalfRows = 16;

    /// <summary>Columns of a block: weights and activations that share a scale.</summary>
    public const int BlockColumns = 32;

    public static int Groups(int rows) => (rows + Rows - 1) / Rows;

    public static int Blocks(int columns) => (columns + BlockColumns - 1) / BlockColumns;
}
