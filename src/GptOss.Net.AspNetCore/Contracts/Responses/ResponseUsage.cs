namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>What a response cost, in tokens.</summary>
internal sealed record ResponseUsage(
    long InputTokens, InputTokensDetails InputTokensDetails, long OutputTokens, OutputTokensDetails OutputTokensDetails, long TotalTokens);
