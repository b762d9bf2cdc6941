namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>One event of a stream. Written once and used again for the next: see <c>ChatStreamWriter</c>.</summary>
internal class ChatChunk(string id, long created, string model)
{
    public string Id { get; } = id;

    public string Object { get; } = "chat.completion.chunk";

    public long Created { get; } = created;

    public string Model { get; } = model;

    public string SystemFingerprint { get; } = ServerVersion.Fingerprint;

    public IReadOnlyList<ChatChunkChoice> Choices { get; set; } = [];
}
