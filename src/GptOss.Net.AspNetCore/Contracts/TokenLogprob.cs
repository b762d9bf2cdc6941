namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>One token of an answer, or one that could have stood there.</summary>
/// <param name="Token">Its text; of a part of a character, the replacement character.</param>
/// <param name="Logprob">The natural logarithm of its probability.</param>
/// <param name="Bytes">Its exact bytes.</param>
internal sealed record TokenLogprob(string Token, double Logprob, IReadOnlyList<int> Bytes)
{
    /// <summary>Gets the most probable tokens at its place; of those themselves <see langword="null"/>.</summary>
    public IReadOnlyList<TokenLogprob>? TopLogprobs { get; init; }
}
