namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>What the model thought.</summary>
internal sealed record ReasoningTextPart(string Text) : ResponsePart(Text);
