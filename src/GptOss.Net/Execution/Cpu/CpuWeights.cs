namespace GptOss.Net.Execution.Cpu;

/// <summary>The model, or consecutive layers of it, in memory.</summary>
internal sealed class CpuWeights
{
    /// <summary>Gets the token embedding; <see langword="null"/> where the model does not begin.</summary>
    public required CpuEmbedding? Embedding { get; init; }

    public required CpuLayer[] Layers { get; init; }

    /// <summary>Gets the norm and the output projection; <see langword="null"/> where the model does not end.</summary>
    public required (CpuVector FinalNorm, CpuMatrix Unembedding)? End { get; init; }
}
