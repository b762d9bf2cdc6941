using System.Globalization;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda;

/// <summary>The widths with which kernels are compiled: the model's, padded to what their tiles need. Padding holds zeros.</summary>
/// <remarks>
/// gpt-oss needs no padding. A model with other widths runs on the same kernels: hidden and intermediate values are padded to a
/// multiple of 64, a head to 64 values (its two rotated halves at 0 and 32), the router's rows to a multiple of 32 (those without an
/// expert have a bias of −∞), the vocabulary to a multiple of 64.
/// </remarks>
internal sealed record CudaShape
{
    /// <summary>Values of a head in memory.</summary>
    public const int HeadDim = 64;

    private const int WidthUnit = 64;
    private const int ExpertUnit = 32;
    private const int MaxHidden = 3072;
    private const int MaxGroup = 8;
    private const int MaxTopK = 8;

    /// <param name="config">The architecture.</param>
    /// <param name="parts">How many cards share the heads: 1, or what divides the KV heads.</param>
    public CudaShape(ModelConfig config, int parts = 1)
    {
        (Config, Parts) = (config, parts);
        Hidden = RoundUp(config.HiddenSize, WidthUnit);
        Intermediate = RoundUp(config.IntermediateSize, WidthUnit);
        Vocabulary = RoundUp(config.VocabularySize, WidthUnit);
        RouterRows = RoundUp(config.ExpertCount, ExpertUnit);
    }

    public ModelConfig Config { get; }

    /// <summary>Gets how many cards share every matrix; what is said of heads is one card's.</summary>
    public int Parts { get; }

    public int Hidden { get; }

    public int Intermediate { get; }

    public int Vocabulary { get; }

    /// <summary>Gets the rows of the router; expert weights exist for the model's experts only.</summary>
    public int RouterRows { get; }

    public int Experts => Config.ExpertCount;

    /// <summary>Gets the experts that are computed for each token.</summary>
    public int TopK => Config.ExpertsPerToken;

    public int KVHeads => Config.KVHeadCount / Parts;

    public int QueryHeads => Config.HeadCount / Parts;

    /// <summary>Gets the query heads of a KV head.</summary>
    public int Group => QueryHeads / KVHeads;

    /// <summary>Gets the values of the card's query heads.</summary>
    public int QueryWidth => QueryHeads * HeadDim;

    /// <summary>Gets the values of all cards' query heads: the input of the output projection.</summary>
    public int AttendedWidth => Config.HeadCount * HeadDim;

    /// <summary>Gets the rows of the joined projection: query, key, value.</summary>
    public int QkvWidth => QueryWidth + (2 * KVHeads * HeadDim);

    /// <summary>Gets the widths as lines of C++.</summary>
    public string Constants => string.Create(CultureInfo.InvariantCulture, $"""
        constexpr int Hidden = {Hidden}, TrueHidden = {Config.HiddenSize}, Intermediate = {Intermediate};
        constexpr int KvHeads = {KVHeads}, Group = {Group}, Heads = KvHeads * Group, Dim = {HeadDim}, TrueDim = {Config.HeadDim};
        constexpr int QueryWidth = Heads * Dim, QkvWidth = QueryWidth + 2 * KvHeads * Dim, AttendedWidth = {AttendedWidth};
        constexpr int Experts = {RouterRows}, TrueExperts = {Experts}, TopK = {TopK};
        constexpr int Vocabulary = {Vocabulary}, TrueVocabulary = {Config.VocabularySize};
        constexpr float NormEpsilon = {(float)Config.RmsNormEpsilon:R}f, SwiGluLimit = {(float)Config.SwiGluLimit:0.0######}f;

        """);

    /// <summary>Why these kernels cannot run a model, or <see langword="null"/>.</summary>
    public static string? WhyNot(ModelConfig config) =>
        config.ExpertsPerToken > MaxTopK ? $"they compute {MaxTopK} experts for a token at most, and the model {config.ExpertsPerToken}"
        : config.HeadDim is not (8 or 16 or 32 or 64) ? $"their heads hold 8, 16, 32 or 64 values, and the model's {config.HeadDim}"
        : config.HeadCount % config.KVHeadCount != 0 || MaxGroup % (config.HeadCount / config.KVHeadCount) != 0
            ? $"they share a KV head among 1, 2, 4 or 8 heads, and the model has {config.HeadCount} heads and {config.KVHeadCount} KV heads"
        : RoundUp(config.HiddenSize, WidthUnit) > MaxHidden
            ? $"their rows hold {MaxHidden:N0} values, and the model's {config.HiddenSize:N0}"
        : config.HiddenSize % 4 != 0 ? $"their rows are multiples of 4 values, and the model's have {config.HiddenSize}"
        : null;

    private static int RoundUp(int value, int unit) => (value + unit - 1) / unit * unit;
}
