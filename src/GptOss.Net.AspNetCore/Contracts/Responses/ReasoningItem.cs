namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A thought.</summary>
internal sealed record ReasoningItem : ResponseItem
{
    public required string Status { get; init; }

    /// <summary>Gets nothing: summaries are never made.</summary>
    public IReadOnlyList<ResponsePart> Summary { get; } = [];

    public IReadOnlyList<ResponsePart>? Content { get; init; }

    /// <summary>Gets the sealed tokens, which replay the thought exactly; present only when asked for.</summary>
    public string? EncryptedContent { get; init; }
}
