using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>The log-probabilities of the tokens of a text.</summary>
internal sealed record ChatLogProbabilities(IReadOnlyList<TokenLogprob> Content)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public IReadOnlyList<TokenLogprob>? Refusal { get; }
}
