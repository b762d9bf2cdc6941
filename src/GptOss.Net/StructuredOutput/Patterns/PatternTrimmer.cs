namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>Removes the states from which no match can be reached.</summary>
internal static class PatternTrimmer
{
    /// <exception cref="PatternException">No string matches.</exception>
    public static PatternAutomaton Trim(List<PatternStep[]> steps, List<bool> accepting)
    {
        var live = FindLive(steps, accepting);
        if (!live[0])
        {
            throw new PatternException("matches no string of the allowed length and characters", isEmpty: true);
        }

        var numbers = new int[steps.Count];
        var count = 0;
        for (var state = 0; state < numbers.Length; state++)
        {
            numbers[state] = live[state] ? count++ : -1;
        }

        var kept = Enumerable.Range(0, numbers.Length).Where(state => live[state]).ToArray();
        return new PatternAutomaton(
            [.. kept.Select(state => Array.FindAll(steps[state], step => live[step.Target])
                .Select(step => step with { Target = numbers[step.Target] }).ToArray())],
            [.. kept.Select(state => accepting[state])]);
    }

    private static bool[] FindLive(List<PatternStep[]> steps, List<bool> accepting)
    {
        var sources = steps.SelectMany((from, state) => from.Select(step => (step.Target, state)))
            .ToLookup(edge => edge.Target, edge => edge.state);
        var live = accepting.ToArray();
        var open = new Stack<int>(Enumerable.Range(0, live.Length).Where(state => live[state]));
        while (open.TryPop(out var state))
        {
            foreach (var source in sources[state].Where(source => !live[source]))
            {
                live[source] = true;
                open.Push(source);
            }
        }

        return live;
    }
}
