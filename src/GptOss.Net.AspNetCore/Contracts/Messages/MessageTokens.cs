namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>How many tokens a request would have.</summary>
internal sealed record MessageTokens(int InputTokens);
