using System.Collections.Immutable;

namespace GptOss.Net.Model;

/// <summary>The architecture of a gpt-oss checkpoint, as its config.json gives it.</summary>
internal sealed record ModelConfig
{
    public required int HiddenSize { get; init; }

    public required int IntermediateSize { get; init; }

    public required int HeadCount { get; init; }

    public required int KVHeadCount { get; init; }

    public required int HeadDim { get; init; }

    public required int ExpertCount { get; init; }

    public required int ExpertsPerToken { get; init; }

    public required int VocabularySize { get; init; }

    /// <summary>Gets how many tokens a sliding layer sees, the current one included.</summary>
    public required int SlidingWindow { get; init; }

    /// <summary>Gets what each layer attends to; its length is the number of layers.</summary>
    public required ImmutableArray<AttentionKind> LayerKinds { get; init; }

    /// <summary>Gets the largest context the model was trained for, in tokens.</summary>
    public required int MaxPositions { get; init; }

    public required YarnParameters Rope { get; init; }

    public double RmsNormEpsilon { get; init; } = 1e-5;

    public double SwiGluLimit { get; init; } = 7.0;

    public bool TieWordEmbeddings { get; init; }

    /// <summary>Gets how the weights that are not dense are stored.</summary>
    public required QuantizationConfig Quantization { get; init; }

    /// <summary>Gets the keys of the file that mean nothing here but might elsewhere; they had no effect.</summary>
    public IReadOnlyList<string> UnknownKeys { get; init; } = [];

    public int LayerCount => LayerKinds.Length;

    public int QuerySize => HeadCount * HeadDim;

    public int KVSize => KVHeadCount * HeadDim;
}
