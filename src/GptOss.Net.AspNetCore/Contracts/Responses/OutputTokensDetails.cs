namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>How many tokens of the output were reasoning.</summary>
internal sealed record OutputTokensDetails(long ReasoningTokens);
