namespace GptOss.Net.Execution.Cpu;

/// <summary>The whole model in memory.</summary>
internal sealed class CpuWeights
{
    public required CpuEmbedding Embedding { get; init; }

    public required CpuLayer[] Layers { get; init; }

    public required CpuVector FinalNorm { get; init; }

    public required CpuMatrix Unembedding { get; init; }
}
