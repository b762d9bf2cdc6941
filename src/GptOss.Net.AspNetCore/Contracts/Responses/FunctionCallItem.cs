namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A call of a function.</summary>
internal sealed record FunctionCallItem : ResponseItem
{
    public required string Status { get; init; }

    public required string CallId { get; init; }

    public required string Name { get; init; }

    /// <summary>Gets the namespace that the function was offered in.</summary>
    public string? Namespace { get; init; }

    /// <summary>Gets JSON in a string.</summary>
    public required string Arguments { get; init; }
}
