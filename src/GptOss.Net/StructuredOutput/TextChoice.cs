using System.Collections.Immutable;

namespace GptOss.Net.StructuredOutput;

/// <summary>Several states at once: what follows is what may follow any of them.</summary>
internal sealed record TextChoice : TextState
{
    /// <summary>
    /// How many alternatives are followed at once. Later ones are given up, which narrows what may follow and is never a dead end.
    /// </summary>
    public const int MaxAlternatives = 128;

    private readonly ImmutableArray<TextState> _alternatives;

    private TextChoice(ImmutableArray<TextState> alternatives) => _alternatives = alternatives;

    public override bool IsAccepting => _alternatives.Any(alternative => alternative.IsAccepting);

    /// <summary>
    /// Returns the state that stands for all of <paramref name="alternatives"/>: null if there is none, the state itself if there is one.
    /// </summary>
    public static TextState? Create(IEnumerable<TextState?> alternatives)
    {
        var distinct = new List<TextState>();
        foreach (var alternative in alternatives)
        {
            if (alternative is TextChoice choice)
            {
                distinct.AddRange(choice._alternatives);
            }
            else if (alternative is not null)
            {
                distinct.Add(alternative);
            }
        }

        return distinct.Count switch
        {
            0 => null,
            1 => distinct[0],
            _ => Merge(distinct),
        };
    }

    public override TextState? Advance(byte next)
    {
        TextState? only = null;
        List<TextState?>? several = null;
        foreach (var alternative in _alternatives)
        {
            var advanced = alternative.Advance(next);
            if (advanced is null)
            {
                continue;
            }

            if (only is null)
            {
                only = advanced;
                continue;
            }

            several ??= [only];
            several.Add(advanced);
        }

        return several is null ? only : Create(several);
    }

    public bool Equals(TextChoice? other) =>
        other is not null && _alternatives.AsSpan().SequenceEqual(other._alternatives.AsSpan());

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var alternative in _alternatives)
        {
            hash.Add(alternative);
        }

        return hash.ToHashCode();
    }

    private static TextState Merge(List<TextState> states)
    {
        var distinct = states.Distinct().Take(MaxAlternatives).ToImmutableArray();
        return distinct.Length == 1 ? distinct[0] : new TextChoice(distinct);
    }
}
