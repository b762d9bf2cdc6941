using System.Globalization;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda;

/// <summary>The widths with which kernels are compiled: the model's, padded to what their tiles need. Padding holds zeros.</summary>
/// <remarks>
/// gpt-oss needs no padding. A model with other widths runs on the same kernels: hidden and intermediate values are padded to a
/// multiple of 320 (five chunks of 64, ten shares of 32 in the router), a head to 64 values (its two rotated halves at 0 and 32), a
/// KV head's group to 8 query heads, experts to 32 (those that are none have a bias of −∞) of which 4 are computed for each token
/// (those beyond the model's have weight 0), the vocabulary to a multiple of 64.
/// </remarks>
internal sealed record CudaShape
{
    /// <summary>Values of a head in memory.</summary>
    public const int HeadDim = 64;

    /// <summary>Query heads of a KV head.</summary>
    public const int Group = 8;

    /// <summary>Experts of a layer in memory.</summary>
    public const int Experts = 32;

    /// <summary>Experts that are computed for each token.</summary>
    public const int TopK = 4;

    private const int WidthUnit = 320;
    private const int VocabularyUnit = 64;

    public CudaShape(ModelConfig config)
    {
        Config = config;
        Hidden = RoundUp(config.HiddenSize, WidthUnit);
        Intermediate = RoundUp(config.IntermediateSize, WidthUnit);
        Vocabulary = RoundUp(config.VocabularySize, VocabularyUnit);
    }

    public ModelConfig Config { get; }

    public int Hidden { get; }

    public int Intermediate { get; }

    public int Vocabulary { get; }

    public int KVHeads => Config.KVHeadCount;

    public int QueryHeads => KVHeads * Group;

    /// <summary>Gets the values of all query heads: the input of the output projection.</summary>
    public int QueryWidth => QueryHeads * HeadDim;

    /// <summary>Gets the rows of the joined projection: query, key, value.</summary>
    public int QkvWidth => QueryWidth + (2 * KVHeads * HeadDim);

    /// <summary>Gets the widths as lines of C++.</summary>
    public string Constants => string.Create(CultureInfo.InvariantCulture, $"""
        constexpr int Hidden = {Hidden}, TrueHidden = {Config.HiddenSize}, Intermediate = {Intermediate};
        constexpr int KvHeads = {KVHeads}, Group = {Group}, Heads = KvHeads * Group, Dim = {HeadDim}, TrueDim = {Config.HeadDim};
        constexpr int QueryWidth = Heads * Dim, QkvWidth = QueryWidth + 2 * KvHeads * Dim;
        constexpr int Experts = {Experts}, TopK = {TopK}, TrueTopK = {Config.ExpertsPerToken};
        constexpr int Vocabulary = {Vocabulary}, TrueVocabulary = {Config.VocabularySize};
        constexpr float NormEpsilon = {(float)Config.RmsNormEpsilon:R}f, SwiGluLimit = {(float)Config.SwiGluLimit:0.0######}f;

        """);

    /// <summary>Why these kernels cannot run a model, or <see langword="null"/>.</summary>
    public static string? WhyNot(ModelConfig config) =>
        config.ExpertCount > Experts ? $"they have room for {Experts} experts, and the model has {config.ExpertCount}"
        : config.ExpertsPerToken > TopK ? $"they compute {TopK} experts for each token, and the model chooses {config.ExpertsPerToken}"
        : config.ExpertCount < TopK ? $"they choose {TopK} experts for each token, and the model has {config.ExpertCount}"
        : config.HeadDim > HeadDim || config.HeadDim % 2 != 0 ? $"their heads hold {HeadDim} values, and the model's {config.HeadDim}"
        : config.HeadCount % config.KVHeadCount != 0 || config.HeadCount / config.KVHeadCount > Group
            ? $"they share a KV head among {Group} heads at most, and the model has {config.HeadCount} heads and {config.KVHeadCount} KV heads"
        : RoundUp(config.HiddenSize, WidthUnit) > 3072 ? $"their rows hold 3,072 values, and the model's {config.HiddenSize:N0}"
        : null;

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;
}
