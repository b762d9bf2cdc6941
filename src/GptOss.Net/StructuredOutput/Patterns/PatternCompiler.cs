using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>Turns a regular expression into a deterministic automaton by the construction of subsets, within bounds.</summary>
internal sealed class PatternCompiler
{
    private readonly PatternBudget _budget;
    private readonly PatternGraph _graph;
    private readonly int _minLength;
    private readonly int? _maxLength;
    private readonly int _start;
    private readonly int _accept;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _states =
        new Dictionary<string, int>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    private readonly List<(int[] Nodes, int Length)> _open = [];

    // Used again for every state, so that what is allocated grows with the result alone.
    private readonly List<PatternEdge> _edges = [];
    private readonly List<int> _bounds = [];
    private readonly List<int> _targets = [];
    private readonly List<int> _reached = [];
    private readonly List<char> _key = [];
    private readonly Stack<int> _unseen = new();
    private readonly int[] _seen;
    private int _stamp;

    private PatternCompiler(string pattern, int minLength, int? maxLength, PatternBudget budget)
    {
        _budget = budget;
        _budget.SpendCharacters(pattern.Length);
        _graph = new PatternGraph(budget);
        _minLength = minLength;
        _maxLength = maxLength;

        // A pattern may match anywhere in the text: any characters before it, and any after it.
        var before = _graph.Repeat(_graph.AddCharacter(CharacterSet.Usable), 0, null);
        var match = PatternParser.Parse(pattern, _graph);
        var after = _graph.Repeat(_graph.AddCharacter(CharacterSet.Usable), 0, null);
        _graph.Link(before.Exit, match.Entry);
        _graph.Link(match.Exit, after.Entry);
        (_start, _accept) = (before.Entry, after.Exit);
        _seen = new int[_graph.Count];
    }

    /// <summary>Compiles a pattern, together with bounds for the number of characters.</summary>
    /// <exception cref="PatternException">The pattern cannot be enforced, costs too much, or no string matches it.</exception>
    public static PatternAutomaton Compile(string pattern, int minLength = 0, int? maxLength = null, PatternBudget? budget = null) =>
        new PatternCompiler(pattern, minLength, maxLength, budget ?? new PatternBudget()).Compile();

    private PatternAutomaton Compile()
    {
        StateOf([_start], atStart: true, 0);
        var steps = new List<PatternStep[]>();
        var accepting = new List<bool>();
        for (var state = 0; state < _open.Count; state++)
        {
            var (nodes, length) = _open[state];
            accepting.Add(length >= _minLength && CanEnd(nodes, isStart: state == 0));
            steps.Add(length == _maxLength ? [] : Steps(nodes, length));
        }

        return PatternTrimmer.Trim(steps, accepting);
    }

    private PatternStep[] Steps(int[] nodes, int length)
    {
        CollectEdges(nodes);
        var steps = new List<PatternStep>();
        for (var i = 0; i + 1 < _bounds.Count; i++)
        {
            var range = new CharacterRange(_bounds[i], _bounds[i + 1] - 1);
            _targets.Clear();
            foreach (var edge in _edges)
            {
                if (edge.Range.Low <= range.Low && range.High <= edge.Range.High)
                {
                    _targets.Add(edge.Target);
                }
            }

            // A character beyond U+FFFF counts once in JSON Schema and twice in .NET: a bounded string does without.
            if (_targets.Count > 0 && !(_maxLength is not null && range.Low > 0xFFFF))
            {
                Add(steps, new PatternStep(range, StateOf(CollectionsMarshal.AsSpan(_targets), atStart: false, NextLength(length))));
            }
        }

        return [.. steps];
    }

    /// <summary>Finds the edges that read a character, and the places where the characters that they read begin and end.</summary>
    private void CollectEdges(int[] nodes)
    {
        _edges.Clear();
        _bounds.Clear();
        foreach (var node in nodes)
        {
            foreach (var edge in _graph[node])
            {
                if (edge.Kind == PatternEdgeKind.Character)
                {
                    _edges.Add(edge);
                    _bounds.Add(edge.Range.Low);
                    _bounds.Add(edge.Range.High + 1);
                }
            }
        }

        _bounds.Sort();
        var distinct = 0;
        for (var i = 0; i < _bounds.Count; i++)
        {
            if (i == 0 || _bounds[i] != _bounds[distinct - 1])
            {
                _bounds[distinct++] = _bounds[i];
            }
        }

        _bounds.RemoveRange(distinct, _bounds.Count - distinct);
        _budget.SpendWork(nodes.Length + (_bounds.Count * _edges.Count));
    }

    private int NextLength(int length) => _maxLength is null ? Math.Min(length + 1, _minLength) : length + 1;

    private static void Add(List<PatternStep> steps, PatternStep step)
    {
        if (steps.Count > 0 && steps[^1].Target == step.Target && steps[^1].Range.High + 1 == step.Range.Low)
        {
            steps[^1] = steps[^1] with { Range = steps[^1].Range with { High = step.Range.High } };
        }
        else
        {
            steps.Add(step);
        }
    }

    private int StateOf(ReadOnlySpan<int> nodes, bool atStart, int length)
    {
        var closure = Closure(nodes, atStart);
        _key.Clear();
        _key.AddRange(MemoryMarshal.Cast<int, char>(closure));
        _key.AddRange((char)length, (char)(length >> 16));
        var key = CollectionsMarshal.AsSpan(_key);
        if (!_states.TryGetValue(key, out var state))
        {
            _budget.SpendState();
            state = _open.Count;
            _states[key] = state;
            _open.Add((closure.ToArray(), length));
        }

        return state;
    }

    private bool CanEnd(int[] nodes, bool isStart) => Closure(nodes, isStart, atEnd: true).BinarySearch(_accept) >= 0;

    /// <summary>Every node that is reached with nothing read, in order; valid until the next call.</summary>
    private ReadOnlySpan<int> Closure(ReadOnlySpan<int> nodes, bool atStart, bool atEnd = false)
    {
        _stamp++;
        _reached.Clear();
        foreach (var node in nodes)
        {
            _unseen.Push(node);
        }

        while (_unseen.TryPop(out var node))
        {
            if (_seen[node] == _stamp)
            {
                continue;
            }

            _seen[node] = _stamp;
            _reached.Add(node);
            _budget.SpendWork(1 + _graph[node].Count);
            foreach (var edge in _graph[node])
            {
                if (edge.Kind == PatternEdgeKind.Free
                    || (atStart && edge.Kind == PatternEdgeKind.AtStart)
                    || (atEnd && edge.Kind == PatternEdgeKind.AtEnd))
                {
                    _unseen.Push(edge.Target);
                }
            }
        }

        _reached.Sort();
        return CollectionsMarshal.AsSpan(_reached);
    }
}
