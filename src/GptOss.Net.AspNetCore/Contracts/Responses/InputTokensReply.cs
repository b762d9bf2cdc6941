namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>How many tokens a request would have.</summary>
internal sealed record InputTokensReply(int InputTokens)
{
    public string Object { get; } = "response.input_tokens";
}
