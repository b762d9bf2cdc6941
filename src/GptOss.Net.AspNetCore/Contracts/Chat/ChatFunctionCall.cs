namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>The function of a call and its arguments, JSON in a string.</summary>
internal sealed record ChatFunctionCall(string? Name, string Arguments);
