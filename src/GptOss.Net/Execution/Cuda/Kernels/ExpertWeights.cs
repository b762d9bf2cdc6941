namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>One matrix of all experts, packed, on the device.</summary>
/// <param name="Format">How it lies there.</param>
/// <param name="Tiles"><c>[experts, rows / 16, k / 64]</c> chunks.</param>
/// <param name="Bias">bfloat16 <c>[experts, rows]</c>.</param>
/// <param name="Rows">Of each expert, a multiple of 16.</param>
internal readonly record struct ExpertWeights(ExpertFormat Format, nint Tiles, nint Bias, int Rows)
{
    /// <summary>The bytes of a chunk: 16 rows of 64 values.</summary>
    public static int ChunkBytes(ExpertFormat format) => format switch
    {
        ExpertFormat.Mxfp4 => 544,
        ExpertFormat.Int4 => 640,
        ExpertFormat.Bf16 => 2048,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
    };

    /// <summary>The bytes of one expert's tiles, without bias.</summary>
    public static long Bytes(ExpertFormat format, int rows, int k) => (long)rows / 16 * (k / 64) * ChunkBytes(format);

    /// <summary>The tiles' type in C.</summary>
    public static string TileName(ExpertFormat format) => $"{format}Tile";
}
