using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

/// <summary>A constraint that allows what a predicate allows, and remembers what it was told.</summary>
internal sealed class AllowedTokens(Func<int, bool> isAllowed) : ITokenConstraint
{
    public List<int> Accepted { get; } = [];

    public void Apply(Span<float> logits)
    {
        for (var id = 0; id < logits.Length; id++)
        {
            if (!isAllowed(id))
            {
                logits[id] = float.NegativeInfinity;
            }
        }
    }

    public void Accept(int token) => Accepted.Add(token);
}
