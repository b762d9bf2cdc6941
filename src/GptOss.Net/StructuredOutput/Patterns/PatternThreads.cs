using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>
/// Numbers for the ways through a pattern's automaton: a node, and the states of the lookaheads that were begun on the way to it and
/// must still turn out well. A way without lookaheads has the number of its node.
/// </summary>
internal sealed class PatternThreads
{
    private const int LookBits = 16;

    private readonly PatternGraph _graph;
    private readonly LookAutomaton[] _looks;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _numbers =
        new Dictionary<string, int>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    private readonly List<int[]> _duties = [[]]; // [number] each: look << 16 | state, in order

    public PatternThreads(PatternGraph graph, PatternBudget budget)
    {
        _graph = graph;
        _looks = [.. graph.Looks.Select(look => new LookAutomaton(graph, look, budget))];
        _numbers[""] = 0;
    }

    public LookAutomaton this[int look] => _looks[look];

    /// <summary>The node of a thread.</summary>
    public int NodeOf(int thread) => thread % _graph.Count;

    /// <summary>Returns the same thread at another node.</summary>
    public int At(int thread, int node) => thread - NodeOf(thread) + node;

    /// <summary>Returns the thread after a lookahead; null if that fails at once.</summary>
    public int? Begin(int thread, int look, bool atStart)
    {
        var state = _looks[look].Start(atStart);
        if (_looks[look].IsFound(state))
        {
            return _looks[look].IsNegative ? null : thread;
        }

        return Number([.. Duties(thread), (look << LookBits) | state], NodeOf(thread));
    }

    /// <summary>Returns the thread at a node after a character; null if a lookahead fails.</summary>
    public int? Advance(int thread, int node, CharacterRange range)
    {
        if (thread < _graph.Count)
        {
            return node;
        }

        var duties = new List<int>();
        foreach (var duty in Duties(thread))
        {
            var look = _looks[duty >> LookBits];
            var state = look.Next(duty & ((1 << LookBits) - 1), range);
            var isDecided = state == LookAutomaton.Dead || look.IsFound(state);
            if (!isDecided)
            {
                duties.Add((duty >> LookBits << LookBits) | state);
            }
            else if ((state == LookAutomaton.Dead) != look.IsNegative)
            {
                return null;
            }
        }

        return Number(duties, node);
    }

    /// <summary>Whether all lookaheads turn out well if the text ends here.</summary>
    public bool CanEnd(int thread) =>
        Duties(thread).All(
            duty => _looks[duty >> LookBits] is var look && look.IsFoundAtEnd(duty & ((1 << LookBits) - 1)) != look.IsNegative);

    /// <summary>The nodes of the lookaheads of a thread.</summary>
    public IEnumerable<int> LookNodes(int thread) =>
        Duties(thread).SelectMany(duty => _looks[duty >> LookBits].Nodes(duty & ((1 << LookBits) - 1)).ToArray());

    private int[] Duties(int thread) => _duties[thread / _graph.Count];

    private int Number(List<int> duties, int node)
    {
        int[] sorted = [.. duties.Distinct().Order()];
        var key = MemoryMarshal.Cast<int, char>(sorted);
        if (!_numbers.TryGetValue(key, out var number))
        {
            number = _duties.Count;
            _numbers[key] = number;
            _duties.Add(sorted);
        }

        return node + (number * _graph.Count);
    }
}
