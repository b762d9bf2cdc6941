using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

/// <summary>A constraint that allows what a predicate allows, and remembers what it was told.</summary>
internal sealed class AllowedTokens(Func<int, bool> isAllowed, int vocabularySize) : ITokenConstraint
{
    public List<int> Accepted { get; } = [];

    public TokenBitset Allowed { get; } =
        new TokenBitset(new ulong[(vocabularySize + 63) / 64]).With([.. Enumerable.Range(0, vocabularySize).Where(isAllowed)]);

    public void Accept(int token) => Accepted.Add(token);
}
