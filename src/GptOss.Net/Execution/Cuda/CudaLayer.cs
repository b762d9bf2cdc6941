using GptOss.Net.Execution.Cuda.Kernels;

namespace GptOss.Net.Execution.Cuda;

/// <summary>The weights of one transformer block on its device. Vectors are addresses of bfloat16 values.</summary>
internal sealed record CudaLayer
{
    public required nint AttentionNorm { get; init; }

    /// <summary>Gets query, key and value projection in one: their rows follow each other.</summary>
    public required DenseWeights Qkv { get; init; }

    public required DenseWeights Output { get; init; }

    public required nint Sinks { get; init; }

    public required nint MlpNorm { get; init; }

    public required nint Router { get; init; }

    public required nint RouterBias { get; init; }

    /// <summary>Gets the experts' first matrix: gates and ups in turn.</summary>
    public required ExpertWeights GateUp { get; init; }

    public required ExpertWeights Down { get; init; }
}
