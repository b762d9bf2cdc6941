namespace GptOss.Net.Sampling;

/// <summary>What the sampler chose for one sequence.</summary>
/// <param name="Id">The token.</param>
/// <param name="LogProbability">Null unless asked for; see <see cref="TokenLogProbability.LogProbability"/>.</param>
/// <param name="TopLogProbabilities">Null unless asked for; the most probable first, equal ones by id.</param>
internal readonly record struct SampledToken(
    int Id, float? LogProbability = null, IReadOnlyList<TokenLogProbability>? TopLogProbabilities = null);
