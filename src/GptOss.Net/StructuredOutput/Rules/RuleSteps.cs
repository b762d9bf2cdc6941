using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>The characters that may follow a text, in ranges, and what they lead to as far as that is known.</summary>
internal sealed class RuleSteps
{
    private readonly CharacterRange[] _ranges; // in order; all characters of a range lead to the same
    private readonly RuleText?[] _next;

    private RuleSteps(CharacterRange[] ranges) => (_ranges, _next) = (ranges, new RuleText?[ranges.Length]);

    /// <summary>The number of ranges.</summary>
    public int Count => _ranges.Length;

    /// <summary>What a range leads to; null if that is not known yet.</summary>
    public RuleText? this[int range]
    {
        get => _next[range];
        set => _next[range] = value;
    }

    public static RuleSteps Create(RuleThread[] threads)
    {
        // How many more threads take a character than the one before it.
        var changes = new SortedDictionary<int, int>();
        foreach (var thread in threads)
        {
            foreach (var step in thread.Scan.Automaton.Steps(thread.State))
            {
                changes[step.Range.Low] = changes.GetValueOrDefault(step.Range.Low) + 1;
                changes[step.Range.High + 1] = changes.GetValueOrDefault(step.Range.High + 1) - 1;
            }
        }

        var ranges = new List<CharacterRange>();
        var (low, count) = (0, 0);
        foreach (var (place, change) in changes)
        {
            if (count > 0)
            {
                ranges.Add(new CharacterRange(low, place - 1));
            }

            (low, count) = (place, count + change);
        }

        return new RuleSteps([.. ranges]);
    }

    /// <summary>Returns the range of a character, or -1 if it may not follow.</summary>
    public int Find(int character)
    {
        var range = FirstUpTo(character);
        return range < _ranges.Length && _ranges[range].Low <= character ? range : -1;
    }

    /// <summary>Whether some character of a range may follow.</summary>
    public bool HasNext(CharacterRange range) =>
        FirstUpTo(range.Low) is var first && first < _ranges.Length && _ranges[first].Low <= range.High;

    // The first range that does not end before the character.
    private int FirstUpTo(int character)
    {
        var (low, high) = (0, _ranges.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_ranges[middle].High < character)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
