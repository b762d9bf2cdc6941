namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>The body of every failed request.</summary>
internal sealed record ErrorReply(ErrorBody Error);
