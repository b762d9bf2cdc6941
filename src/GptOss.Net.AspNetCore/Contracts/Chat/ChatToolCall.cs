namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>A call in an answer: whole, or a part of a stream. Only the first part has id, type and name.</summary>
internal sealed record ChatToolCall
{
    /// <summary>Gets the place among the calls of the turn; in streams only.</summary>
    public int? Index { get; init; }

    public string? Id { get; init; }

    public string? Type { get; init; }

    public required ChatFunctionCall Function { get; init; }
}
