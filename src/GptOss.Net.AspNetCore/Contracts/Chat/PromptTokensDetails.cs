namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>How many tokens of the prompt were in the cache.</summary>
internal sealed record PromptTokensDetails(long CachedTokens);
