namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A text that the model wrote.</summary>
internal sealed record OutputTextPart(string Text, IReadOnlyList<TokenLogprob> Logprobs) : ResponsePart(Text)
{
    public IReadOnlyList<string> Annotations { get; } = [];
}
