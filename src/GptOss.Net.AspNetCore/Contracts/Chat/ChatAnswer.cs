using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>The message of an answer. The reasoning stands in both fields that clients read.</summary>
internal sealed record ChatAnswer
{
    public string Role { get; } = "assistant";

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Content { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Refusal { get; }

    public IReadOnlyList<string> Annotations { get; } = [];

    public string? Reasoning { get; init; }

    public string? ReasoningContent => Reasoning;

    public IReadOnlyList<ChatToolCall>? ToolCalls { get; init; }
}
