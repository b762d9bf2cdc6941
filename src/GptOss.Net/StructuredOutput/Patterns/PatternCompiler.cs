using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>Turns a regular expression into a deterministic automaton by the construction of subsets, within bounds.</summary>
internal sealed class PatternCompiler
{
    /// <summary>The greatest number of states of one pattern.</summary>
    public const int MaxStates = 3_000;

    /// <summary>The greatest number of edges looked at for one pattern: some tens of milliseconds.</summary>
    public const int MaxWork = 1_000_000;

    private readonly PatternGraph _graph = new();
    private readonly int _minLength;
    private readonly int? _maxLength;
    private readonly int _start;
    private readonly int _accept;
    private readonly Dictionary<string, int> _states = new(StringComparer.Ordinal);
    private readonly List<(int[] Nodes, int Length)> _open = [];
    private readonly int[] _seen;
    private int _stamp;
    private int _work;

    private PatternCompiler(string pattern, int minLength, int? maxLength)
    {
        (_minLength, _maxLength) = (minLength, maxLength);

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
    /// <exception cref="PatternException">The pattern cannot be enforced, or no string matches it.</exception>
    public static PatternAutomaton Compile(string pattern, int minLength = 0, int? maxLength = null) =>
        new PatternCompiler(pattern, minLength, maxLength).Compile();

    private PatternAutomaton Compile()
    {
        StateOf(Closure([_start], atStart: true), 0);
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
        var edges = nodes.SelectMany(node => _graph[node]).Where(edge => edge.Kind == PatternEdgeKind.Character).Distinct().ToArray();
        var bounds = edges.SelectMany(edge => new[] { edge.Range.Low, edge.Range.High + 1 }).Distinct().Order().ToArray();
        Spend(nodes.Length + (bounds.Length * edges.Length));
        var steps = new List<PatternStep>();
        for (var i = 0; i + 1 < bounds.Length; i++)
        {
            var range = new CharacterRange(bounds[i], bounds[i + 1] - 1);
            var targets = edges.Where(edge => edge.Range.Low <= range.Low && range.High <= edge.Range.High).Select(edge => edge.Target).ToArray();

            // A character beyond U+FFFF counts once in JSON Schema and twice in .NET: a bounded string does without.
            if (targets.Length > 0 && !(_maxLength is not null && range.Low > 0xFFFF))
            {
                Add(steps, new PatternStep(range, StateOf(Closure(targets, atStart: false), NextLength(length))));
            }
        }

        return [.. steps];
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

    private int StateOf(int[] nodes, int length)
    {
        var key = string.Concat(MemoryMarshal.Cast<int, char>(nodes), [(char)length, (char)(length >> 16)]);
        if (!_states.TryGetValue(key, out var state))
        {
            state = _open.Count;
            if (state == MaxStates)
            {
                throw new PatternException(
                    $"needs more than {MaxStates} states{(_maxLength is null ? "" : $" together with a length of at most {_maxLength}")}; simplify it");
            }

            _states.Add(key, state);
            _open.Add((nodes, length));
        }

        return state;
    }

    private bool CanEnd(int[] nodes, bool isStart) => Array.BinarySearch(Closure(nodes, isStart, atEnd: true), _accept) >= 0;

    // Every node that is reached with nothing read, in order.
    private int[] Closure(int[] nodes, bool atStart, bool atEnd = false)
    {
        _stamp++;
        var reached = new List<int>();
        var open = new Stack<int>(nodes);
        while (open.TryPop(out var node))
        {
            if (_seen[node] == _stamp)
            {
                continue;
            }

            _seen[node] = _stamp;
            reached.Add(node);
            Spend(_graph[node].Count);
            foreach (var edge in _graph[node])
            {
                if (edge.Kind == PatternEdgeKind.Free
                    || (atStart && edge.Kind == PatternEdgeKind.AtStart)
                    || (atEnd && edge.Kind == PatternEdgeKind.AtEnd))
                {
                    open.Push(edge.Target);
                }
            }
        }

        reached.Sort();
        return [.. reached];
    }

    private void Spend(int work)
    {
        _work += work;
        if (_work > MaxWork)
        {
            throw new PatternException("takes too much work to compile; simplify it");
        }
    }
}
