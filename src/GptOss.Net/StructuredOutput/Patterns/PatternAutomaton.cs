namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>A deterministic automaton over characters, from each of whose states a match can be reached. State 0 is the start.</summary>
/// <param name="steps">For each state its steps, in the order of their ranges.</param>
/// <param name="accepting">For each state whether the text may end.</param>
internal sealed class PatternAutomaton(PatternStep[][] steps, bool[] accepting)
{
    /// <summary>The number of states.</summary>
    public int Count => steps.Length;

    /// <summary>The steps from a state, in the order of their ranges.</summary>
    public PatternStep[] Steps(int state) => steps[state];

    /// <summary>Whether the text may end in a state.</summary>
    public bool IsAccepting(int state) => accepting[state];

    /// <summary>Returns the state after a character, or -1 if it may not follow.</summary>
    public int Next(int state, int character) =>
        Find(state, character) is { } step && step.Range.Low <= character ? step.Target : -1;

    /// <summary>Whether some character of a range may follow.</summary>
    public bool HasNext(int state, CharacterRange range) => Find(state, range.Low) is { } step && step.Range.Low <= range.High;

    // The first step whose range does not end before the character.
    private PatternStep? Find(int state, int character)
    {
        var candidates = steps[state];
        var (low, high) = (0, candidates.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (candidates[middle].Range.High < character)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low < candidates.Length ? candidates[low] : null;
    }
}
