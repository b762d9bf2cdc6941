namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>Why a response failed.</summary>
internal sealed record ResponseErrorBody(string Code, string Message);
