using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>What an event adds to one of the answers.</summary>
internal sealed class ChatChunkChoice
{
    public int Index { get; set; }

    public ChatDelta Delta { get; set; } = new();

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ChatLogProbabilities? Logprobs { get; set; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? FinishReason { get; set; }
}
