namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>What an event adds to a message. Absent members add nothing; clients join the strings of each.</summary>
internal sealed class ChatDelta
{
    public string? Role { get; set; }

    public string? Content { get; set; }

    public string? Reasoning { get; set; }

    public string? ReasoningContent => Reasoning;

    public IReadOnlyList<ChatToolCall>? ToolCalls { get; set; }
}
