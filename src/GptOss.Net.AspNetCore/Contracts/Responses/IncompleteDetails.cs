namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>Why a response is not complete.</summary>
internal sealed record IncompleteDetails(string Reason);
