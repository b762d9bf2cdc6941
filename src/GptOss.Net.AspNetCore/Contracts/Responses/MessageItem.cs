namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A text of the assistant, or one of the user in a compaction.</summary>
internal sealed record MessageItem : ResponseItem
{
    /// <summary>Gets <c>in_progress</c>, <c>completed</c> or <c>incomplete</c>.</summary>
    public required string Status { get; init; }

    public string Role { get; init; } = "assistant";

    public IReadOnlyList<ResponsePart> Content { get; init; } = [];

    /// <summary>Gets <c>commentary</c> for what is said before a call or the answer, <c>final_answer</c> for the answer.</summary>
    public string? Phase { get; init; }
}
