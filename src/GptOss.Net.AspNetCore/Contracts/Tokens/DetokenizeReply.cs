namespace GptOss.Net.AspNetCore.Contracts.Tokens;

/// <summary>The text of tokens.</summary>
internal sealed record DetokenizeReply(string Prompt);
