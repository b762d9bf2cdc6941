namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>What was wrong.</summary>
internal sealed record MessageError(string Type, string Message);
