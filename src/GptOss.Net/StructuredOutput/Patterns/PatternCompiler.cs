using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>Turns a regular expression into a deterministic automaton by the construction of subsets, within bounds.</summary>
internal sealed class PatternCompiler
{
    private readonly PatternBudget _budget;
    private readonly PatternGraph _graph;
    private readonly PatternThreads _threads;
    private readonly int[] _behind; // the lookbehinds
    private readonly int _start;
    private readonly int _accept;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _states =
        new Dictionary<string, int>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    // The threads of each state, and the states of the lookbehinds.
    private readonly List<(int[] Threads, int[] Behind)> _open = [];

    // Used again for every state, so that what is allocated grows with the result alone.
    private readonly List<(CharacterRange Range, int Thread, int Target)> _edges = [];
    private readonly List<(CharacterRange Range, int Thread, int Target)> _active = [];
    private readonly List<int> _bounds = [];
    private readonly List<int> _targets = [];
    private readonly List<int> _reached = [];
    private readonly List<char> _key = [];
    private readonly Stack<int> _unseen = new();
    private readonly HashSet<int> _seen = [];

    private PatternCompiler(Func<PatternGraph, PatternFragment> add, PatternBudget budget)
    {
        _budget = budget;
        _graph = new PatternGraph(budget);
        (_start, _accept) = add(_graph);
        _threads = new PatternThreads(_graph, budget);
        _behind = [.. _graph.Looks.Index().Where(look => look.Item.IsBehind).Select(look => look.Index)];
    }

    /// <summary>Compiles a pattern.</summary>
    /// <exception cref="PatternException">The pattern cannot be enforced, costs too much, or no string matches it.</exception>
    public static PatternAutomaton Compile(string pattern, PatternBudget? budget = null) =>
        CompileGraph(graph => AddAnywhere(graph, pattern), budget ?? new PatternBudget());

    /// <summary>Compiles what is added to a graph: an automaton of the texts that match it as a whole.</summary>
    /// <exception cref="PatternException">It cannot be enforced, costs too much, or no string matches it.</exception>
    public static PatternAutomaton CompileGraph(Func<PatternGraph, PatternFragment> add, PatternBudget budget) =>
        new PatternCompiler(add, budget).Compile();

    /// <summary>Compiles some texts: an automaton that accepts these alone.</summary>
    /// <exception cref="PatternException">They are too long.</exception>
    public static PatternAutomaton CompileTexts(IEnumerable<string> texts, PatternBudget budget)
    {
        var states = new List<SortedDictionary<int, int>> { new() };
        var accepting = new List<bool> { false };
        foreach (var text in texts)
        {
            var state = 0;
            foreach (var rune in text.EnumerateRunes())
            {
                if (!states[state].TryGetValue(rune.Value, out var next))
                {
                    budget.SpendState();
                    next = states.Count;
                    states[state].Add(rune.Value, next);
                    states.Add([]);
                    accepting.Add(false);
                }

                state = next;
            }

            accepting[state] = true;
        }

        return new PatternAutomaton(
            [.. states.Select(state => state.Select(step => new PatternStep(new(step.Key, step.Key), step.Value)).ToArray())],
            [.. accepting]);
    }

    // A pattern may match anywhere in the text: any characters before it, and any after it.
    private static PatternFragment AddAnywhere(PatternGraph graph, string pattern)
    {
        var before = graph.Repeat(graph.AddCharacter(CharacterSet.Usable), 0, null);
        var match = PatternParser.Parse(pattern, graph);
        var after = graph.Repeat(graph.AddCharacter(CharacterSet.Usable), 0, null);
        graph.Link(before.Exit, match.Entry);
        graph.Link(match.Exit, after.Entry);
        return new PatternFragment(before.Entry, after.Exit);
    }

    private PatternAutomaton Compile()
    {
        StateOf([_start], [.. _behind.Select(look => _threads[look].Start(atStart: true))], atStart: true);
        var steps = new List<PatternStep[]>();
        var accepting = new List<bool>();
        for (var state = 0; state < _open.Count; state++)
        {
            var (threads, behind) = _open[state];
            accepting.Add(CanEnd(threads, behind, isStart: state == 0));
            steps.Add(Steps(threads, behind));
        }

        return PatternTrimmer.Trim(steps, accepting);
    }

    private PatternStep[] Steps(int[] threads, int[] behind)
    {
        CollectEdges(threads, behind);
        _active.Clear();
        var steps = new List<PatternStep>();
        var unopened = 0;
        for (var i = 0; i + 1 < _bounds.Count; i++)
        {
            var range = new CharacterRange(_bounds[i], _bounds[i + 1] - 1);
            _active.RemoveAll(edge => edge.Range.High < range.Low);
            while (unopened < _edges.Count && _edges[unopened].Range.Low <= range.Low)
            {
                _active.Add(_edges[unopened++]);
            }

            _budget.SpendWork(1 + _active.Count);
            _targets.Clear();
            foreach (var edge in _active)
            {
                if (_threads.Advance(edge.Thread, edge.Target, range) is { } advanced)
                {
                    _targets.Add(advanced);
                }
            }

            if (_targets.Count > 0)
            {
                int[] next = behind.Length == 0 ? [] : [.. _behind.Select((look, j) => _threads[look].Next(behind[j], range))];
                PatternStep.Append(steps, new PatternStep(range, StateOf(CollectionsMarshal.AsSpan(_targets), next, atStart: false)));
            }
        }

        return [.. steps];
    }

    /// <summary>Finds the edges that read a character, and the places where characters begin and end that are told apart.</summary>
    private void CollectEdges(int[] threads, int[] behind)
    {
        _edges.Clear();
        _bounds.Clear();
        foreach (var thread in threads)
        {
            foreach (var edge in _graph[_threads.NodeOf(thread)])
            {
                if (edge.Kind == PatternEdgeKind.Character)
                {
                    _edges.Add((edge.Range, thread, edge.Target));
                    AddBounds(edge.Range);
                }
            }

            if (thread >= _graph.Count)
            {
                AddBounds(_threads.LookNodes(thread));
            }
        }

        for (var i = 0; i < behind.Length; i++)
        {
            AddBounds(_threads[_behind[i]].Nodes(behind[i]).ToArray());
        }

        _edges.Sort((left, right) => left.Range.Low.CompareTo(right.Range.Low));
        _bounds.Sort();
        _budget.SpendWork(threads.Length + _bounds.Count);
        var distinct = 0;
        for (var i = 0; i < _bounds.Count; i++)
        {
            if (i == 0 || _bounds[i] != _bounds[distinct - 1])
            {
                _bounds[distinct++] = _bounds[i];
            }
        }

        _bounds.RemoveRange(distinct, _bounds.Count - distinct);
    }

    private void AddBounds(IEnumerable<int> nodes)
    {
        foreach (var node in nodes)
        {
            foreach (var edge in _graph[node])
            {
                if (edge.Kind == PatternEdgeKind.Character)
                {
                    AddBounds(edge.Range);
                }
            }
        }
    }

    private void AddBounds(CharacterRange range)
    {
        _bounds.Add(range.Low);
        _bounds.Add(range.High + 1);
    }

    private int StateOf(ReadOnlySpan<int> threads, int[] behind, bool atStart)
    {
        var closure = Closure(threads, behind, atStart);
        _key.Clear();
        _key.AddRange(MemoryMarshal.Cast<int, char>(closure));
        _key.AddRange(MemoryMarshal.Cast<int, char>(behind));
        var key = CollectionsMarshal.AsSpan(_key);
        if (!_states.TryGetValue(key, out var state))
        {
            _budget.SpendState();
            state = _open.Count;
            _states[key] = state;
            _open.Add((closure.ToArray(), behind));
        }

        return state;
    }

    private bool CanEnd(int[] threads, int[] behind, bool isStart)
    {
        foreach (var thread in Closure(threads, behind, isStart, atEnd: true))
        {
            if (_threads.NodeOf(thread) == _accept && _threads.CanEnd(thread))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Every thread that is reached with nothing read, in order; valid until the next call.</summary>
    private ReadOnlySpan<int> Closure(ReadOnlySpan<int> threads, int[] behind, bool atStart, bool atEnd = false)
    {
        _seen.Clear();
        _reached.Clear();
        foreach (var thread in threads)
        {
            _unseen.Push(thread);
        }

        while (_unseen.TryPop(out var thread))
        {
            if (!_seen.Add(thread))
            {
                continue;
            }

            _reached.Add(thread);
            var edges = _graph[_threads.NodeOf(thread)];
            _budget.SpendWork(1 + edges.Count);
            foreach (var edge in edges)
            {
                var isFree = edge.Kind switch
                {
                    PatternEdgeKind.Free => true,
                    PatternEdgeKind.AtStart => atStart,
                    PatternEdgeKind.AtEnd => atEnd,
                    _ => false,
                };
                if (isFree)
                {
                    _unseen.Push(_threads.At(thread, edge.Target));
                }
                else if (edge.Kind == PatternEdgeKind.Look && Look(thread, edge.Range.Low, behind, atStart, atEnd) is { } looking)
                {
                    _unseen.Push(_threads.At(looking, edge.Target));
                }
            }
        }

        _reached.Sort();
        return CollectionsMarshal.AsSpan(_reached);
    }

    /// <summary>Returns the thread after a lookaround; null if that fails.</summary>
    private int? Look(int thread, int number, int[] behind, bool atStart, bool atEnd)
    {
        var look = _threads[number];
        if (Array.IndexOf(_behind, number) is var place and >= 0)
        {
            return look.IsFound(behind[place]) != look.IsNegative ? thread : null;
        }

        return !atEnd ? _threads.Begin(thread, number, atStart)
            : look.IsFoundAtEnd(look.Start(atStart)) != look.IsNegative ? thread
            : null;
    }
}
