namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>The body of a whole answer.</summary>
internal sealed record ChatCompletion(string Id, long Created, string Model, IReadOnlyList<ChatChoice> Choices, ChatUsage Usage)
{
    public string Object { get; } = "chat.completion";

    public string ServiceTier { get; } = "default";

    public string SystemFingerprint { get; } = ServerVersion.Fingerprint;
}
