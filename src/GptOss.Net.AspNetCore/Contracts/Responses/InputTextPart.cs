namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A text that a user wrote.</summary>
internal sealed record InputTextPart(string Text) : ResponsePart(Text);
