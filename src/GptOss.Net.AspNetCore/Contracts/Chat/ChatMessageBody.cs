using System.Text.Json;

namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>One message of a conversation, of any role.</summary>
internal sealed record ChatMessageBody
{
    public string? Role { get; init; }

    /// <summary>Gets a text, or a list of parts.</summary>
    public JsonElement? Content { get; init; }

    public string? Refusal { get; init; }

    public string? Reasoning { get; init; }

    public string? ReasoningContent { get; init; }

    public IReadOnlyList<ChatToolCallBody?>? ToolCalls { get; init; }

    public string? ToolCallId { get; init; }

    public JsonElement? FunctionCall { get; init; }
}
