using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>Why an answer ended: always one of the words that clients know.</summary>
internal static class FinishReasonMapper
{
    public static string ToChat(ChatFinishReason? reason, bool hasCalls) =>
        hasCalls ? "tool_calls"
        : reason == ChatFinishReason.Length ? "length"
        : reason == ChatFinishReason.ContentFilter ? "content_filter"
        : "stop";
}
