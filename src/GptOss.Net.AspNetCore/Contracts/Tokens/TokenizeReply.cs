namespace GptOss.Net.AspNetCore.Contracts.Tokens;

/// <summary>The tokens of a text.</summary>
internal sealed record TokenizeReply(int Count, int MaxModelLen, IReadOnlyList<int> Tokens)
{
    public IReadOnlyList<string>? TokenStrs { get; init; }
}
