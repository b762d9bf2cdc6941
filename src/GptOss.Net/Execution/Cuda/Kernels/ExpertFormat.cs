namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>How the experts' matrices lie on the device: tiles of 16 rows (<c>weights.cu</c>).</summary>
internal enum ExpertFormat
{
    Mxfp4,

    /// <summary>AWQ's values, zeros and scales.</summary>
    Int4,

    Bf16,
}
