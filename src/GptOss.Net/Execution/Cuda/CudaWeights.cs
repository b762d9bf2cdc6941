using GptOss.Net.Execution.Cuda.Kernels;

namespace GptOss.Net.Execution.Cuda;

/// <summary>The weights that one device has, packed.</summary>
internal sealed record CudaWeights
{
    /// <summary>
    /// Gets the token embedding, bfloat16 <c>[vocabulary, hidden]</c> as in the checkpoint; 0 on a device that does not begin the model.
    /// </summary>
    public required nint Embedding { get; init; }

    public required IReadOnlyList<CudaLayer> Layers { get; init; }

    /// <summary>Gets the gain of the last norm; 0 on a device that does not end the model.</summary>
    public required nint FinalNorm { get; init; }

    public required DenseWeights Unembedding { get; init; }

    /// <summary>Gets (cos, sin) of every position, float <c>[positions, 32, 2]</c>.</summary>
    public required nint Rotation { get; init; }
}
