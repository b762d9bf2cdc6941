namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>How dense matrices lie on the device: strips of 8 rows (<c>weights.cu</c>).</summary>
internal enum DenseFormat
{
    /// <summary>As the checkpoint has them.</summary>
    Bf16,

    /// <summary>One scale a row; changes results.</summary>
    Int8,

    /// <summary>AWQ's values, zeros and scales.</summary>
    Int4,
}
