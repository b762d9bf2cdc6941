namespace GptOss.Net.Execution.Cuda;

/// <summary>Rows of a matrix, or columns of what it gives.</summary>
internal readonly record struct RowRange(int First, int Count);
