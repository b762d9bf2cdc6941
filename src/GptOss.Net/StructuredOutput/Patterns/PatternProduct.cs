namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>Automata for texts of which two things hold.</summary>
internal sealed class PatternProduct
{
    private const int Last = 0x10FFFF;
    private const int NoState = -1;

    private readonly PatternAutomaton _automaton;
    private readonly Func<int, PatternStep[]> _steps; // of the second one
    private readonly Func<int, bool> _isAccepting;
    private readonly bool _canLeave; // whether the text may go on where the second one cannot
    private readonly PatternBudget _budget;
    private readonly Dictionary<(int First, int Second), int> _numbers = [];
    private readonly List<(int First, int Second)> _open = [];

    private PatternProduct(
        PatternAutomaton automaton, Func<int, PatternStep[]> steps, Func<int, bool> isAccepting, bool canLeave, PatternBudget budget) =>
        (_automaton, _steps, _isAccepting, _canLeave, _budget) = (automaton, steps, isAccepting, canLeave, budget);

    /// <summary>Texts that both accept.</summary>
    /// <exception cref="PatternException">There are none, or they need too many states.</exception>
    public static PatternAutomaton Intersect(PatternAutomaton one, PatternAutomaton other, PatternBudget budget) =>
        new PatternProduct(one, other.Steps, other.IsAccepting, canLeave: false, budget).Build();

    /// <summary>Texts that the first accepts and the second does not.</summary>
    /// <exception cref="PatternException">There are none, or they need too many states.</exception>
    public static PatternAutomaton Without(PatternAutomaton one, PatternAutomaton other, PatternBudget budget) => new PatternProduct(
        one,
        state => state == NoState ? [] : other.Steps(state),
        state => state == NoState || !other.IsAccepting(state),
        canLeave: true,
        budget).Build();

    /// <summary>Texts with a number of code points between two bounds.</summary>
    /// <exception cref="PatternException">There are none, or they need too many states.</exception>
    public static PatternAutomaton WithLength(PatternAutomaton automaton, int least, int? most, PatternBudget budget) => new PatternProduct(
        automaton,
        length => length == most ? [] : [new PatternStep(new(0, Last), most is null ? Math.Min(length + 1, least) : length + 1)],
        length => length >= least,
        canLeave: false,
        budget).Build();

    private PatternAutomaton Build()
    {
        StateOf(0, 0);
        var steps = new List<PatternStep[]>();
        var accepting = new List<bool>();
        for (var state = 0; state < _open.Count; state++)
        {
            var (first, second) = _open[state];
            accepting.Add(_automaton.IsAccepting(first) && _isAccepting(second));
            steps.Add(Steps(_automaton.Steps(first), _steps(second)));
        }

        return PatternTrimmer.Trim(steps, accepting);
    }

    private PatternStep[] Steps(PatternStep[] ones, PatternStep[] others)
    {
        _budget.SpendWork(1 + ones.Length + others.Length);
        var steps = new List<PatternStep>();
        var place = 0;
        foreach (var one in ones)
        {
            var low = one.Range.Low;
            while (place < others.Length && others[place].Range.High < low)
            {
                place++;
            }

            for (var i = place; i < others.Length && others[i].Range.Low <= one.Range.High; i++)
            {
                Leave(steps, one, low, others[i].Range.Low - 1);
                var (from, to) = (Math.Max(low, others[i].Range.Low), Math.Min(one.Range.High, others[i].Range.High));
                PatternStep.Append(steps, new PatternStep(new(from, to), StateOf(one.Target, others[i].Target)));
                low = to + 1;
            }

            Leave(steps, one, low, one.Range.High);
        }

        return [.. steps];
    }

    private void Leave(List<PatternStep> steps, PatternStep one, int low, int high)
    {
        if (_canLeave && low <= high)
        {
            PatternStep.Append(steps, new PatternStep(new(low, high), StateOf(one.Target, NoState)));
        }
    }

    private int StateOf(int first, int second)
    {
        if (!_numbers.TryGetValue((first, second), out var state))
        {
            _budget.SpendState();
            state = _open.Count;
            _numbers.Add((first, second), state);
            _open.Add((first, second));
        }

        return state;
    }
}
