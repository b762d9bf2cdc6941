namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>Whether and how long the model thinks.</summary>
internal sealed record ThinkingBody
{
    public string? Type { get; init; }

    public int? BudgetTokens { get; init; }
}
