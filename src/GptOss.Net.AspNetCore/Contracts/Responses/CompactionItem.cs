namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>What replaces earlier items of a conversation; only this server can read it.</summary>
internal sealed record CompactionItem : ResponseItem
{
    public required string EncryptedContent { get; init; }
}
