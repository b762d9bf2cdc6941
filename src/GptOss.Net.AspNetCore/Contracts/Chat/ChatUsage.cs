namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>What a request cost, in tokens.</summary>
internal sealed record ChatUsage(
    long PromptTokens, long CompletionTokens, long TotalTokens, PromptTokensDetails PromptTokensDetails,
    CompletionTokensDetails CompletionTokensDetails);
