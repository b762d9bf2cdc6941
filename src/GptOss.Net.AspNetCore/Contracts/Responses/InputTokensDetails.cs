namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>How many tokens of the input were in the cache.</summary>
internal sealed record InputTokensDetails(long CachedTokens);
