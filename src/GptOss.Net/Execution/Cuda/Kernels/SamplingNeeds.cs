namespace GptOss.Net.Execution.Cuda.Kernels;

/// <summary>What some row of a step needs of <see cref="SamplingKernels"/>.</summary>
[Flags]
internal enum SamplingNeeds
{
    /// <summary>The most probable token under a mask.</summary>
    None = 0,

    /// <summary>A temperature.</summary>
    Draws = 1,

    /// <summary>Top-k or top-p.</summary>
    Truncation = 2,

    /// <summary>Penalties or biases.</summary>
    Adjustments = 4,

    /// <summary>Log-probabilities.</summary>
    LogProbabilities = 8,

    All = Draws | Truncation | Adjustments | LogProbabilities,
}
