using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>An event of a stream whose client asked for the usage: null but in the last.</summary>
internal sealed class ChatUsageChunk(string id, long created, string model) : ChatChunk(id, created, model)
{
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ChatUsage? Usage { get; set; }
}
