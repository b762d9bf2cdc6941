namespace GptOss.Net.Sampling;

/// <summary>What was sampled from one row of logits.</summary>
/// <param name="Id">The token; negative when there is none.</param>
/// <param name="LogProbability">Null unless asked for; see <see cref="TokenLogProbability.LogProbability"/>.</param>
/// <param name="TopLogProbabilities">Null unless asked for; the most probable first, equal ones by id.</param>
internal readonly record struct SampledToken(
    int Id, float? LogProbability = null, IReadOnlyList<TokenLogProbability>? TopLogProbabilities = null)
{
    private const int None = -1;

    /// <summary>Gets what an executor says of a row that it leaves to the host, whose logits it gives.</summary>
    public static SampledToken LeftToHost { get; } = new(None);

    /// <summary>Gets why there is no token: the logits are not finite, or the mask forbids them all.</summary>
    public GptOssException? Failure { get; init; }

    public bool IsLeftToHost => Id == None && Failure is null;

    public static SampledToken Failed(GptOssException failure) => new(None) { Failure = failure };
}
