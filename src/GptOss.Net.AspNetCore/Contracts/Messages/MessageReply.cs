using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>The body of an answer.</summary>
internal sealed record MessageReply(string Id, string Model, IReadOnlyList<MessageBlock> Content, MessageUsage Usage)
{
    public string Type { get; } = "message";

    public string Role { get; } = "assistant";

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? StopReason { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? StopSequence { get; init; }
}
