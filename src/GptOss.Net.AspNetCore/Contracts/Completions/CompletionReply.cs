using GptOss.Net.AspNetCore.Contracts.Chat;

namespace GptOss.Net.AspNetCore.Contracts.Completions;

/// <summary>The body of an answer, and of the events of a stream.</summary>
internal sealed record CompletionReply(string Id, long Created, string Model, IReadOnlyList<CompletionChoice> Choices)
{
    public string Object { get; } = "text_completion";

    public string SystemFingerprint { get; } = ServerVersion.Fingerprint;

    public ChatUsage? Usage { get; init; }
}
