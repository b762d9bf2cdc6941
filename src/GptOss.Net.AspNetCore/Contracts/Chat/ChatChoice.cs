using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>One of the answers.</summary>
internal sealed record ChatChoice(
    int Index,
    string FinishReason,
    ChatAnswer Message,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] ChatLogProbabilities? Logprobs);
