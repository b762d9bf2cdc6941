namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>A packed dense matrix on the device.</summary>
/// <param name="Format">How it lies there.</param>
/// <param name="Strips">Its strips, <c>[rows / 8, k / 64]</c> chunks.</param>
/// <param name="Scales">int8: a float for each row.</param>
/// <param name="Bias">bfloat16 for each row, or 0 for none.</param>
/// <param name="Rows">A multiple of 8.</param>
/// <param name="K">A multiple of 64.</param>
internal readonly record struct DenseWeights(DenseFormat Format, nint Strips, nint Scales, nint Bias, int Rows, int K)
{
    /// <summary>The bytes of a chunk: 8 rows of 64 values.</summary>
    public static int ChunkBytes(DenseFormat format) => format switch
    {
        DenseFormat.Bf16 => 1024,
        DenseFormat.Int8 => 512,
        DenseFormat.Int4 => 320,
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, null),
    };

    /// <summary>The bytes of a matrix's strips, without scales and bias.</summary>
    public static long Bytes(DenseFormat format, int rows, int k) => (long)rows / 8 * (k / 64) * ChunkBytes(format);

    /// <summary>The strips' type in C.</summary>
    public static string StripName(DenseFormat format) => $"{format}Strip";
}
