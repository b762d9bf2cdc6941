namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>How many tokens of the answer were reasoning.</summary>
internal sealed record CompletionTokensDetails(long ReasoningTokens);
