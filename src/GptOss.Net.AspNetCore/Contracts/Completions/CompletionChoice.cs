using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Completions;

/// <summary>One continuation, or what an event adds to it.</summary>
internal sealed record CompletionChoice(
    int Index,
    string Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] CompletionLogprobs? Logprobs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? FinishReason);
