using System.Runtime.InteropServices;

namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>
/// Follows one lookaround: a lookahead from where it stands, a lookbehind from the start of the text. Its states are made when they
/// are met first.
/// </summary>
internal sealed class LookAutomaton(PatternGraph graph, PatternLook look, PatternBudget budget)
{
    /// <summary>Nothing can be found any more.</summary>
    public const int Dead = -1;

    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _numbers =
        new Dictionary<string, int>(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    private readonly List<int[]> _states = [];

    /// <summary>Whether it must not be found.</summary>
    public bool IsNegative => look.IsNegative;

    /// <summary>The nodes of a state.</summary>
    public ReadOnlySpan<int> Nodes(int state) => state == Dead ? [] : _states[state];

    /// <summary>The state where the look begins.</summary>
    public int Start(bool atStart) => StateOf([look.Fragment.Entry], atStart);

    /// <summary>Returns the state after a character of a range, all of which the edges treat alike.</summary>
    public int Next(int state, CharacterRange range)
    {
        List<int> targets = look.IsBehind ? [look.Fragment.Entry] : [];
        foreach (var node in Nodes(state))
        {
            foreach (var edge in graph[node])
            {
                if (edge.Kind == PatternEdgeKind.Character && edge.Range.Low <= range.Low && range.High <= edge.Range.High)
                {
                    targets.Add(edge.Target);
                }
            }
        }

        return targets.Count == 0 ? Dead : StateOf(CollectionsMarshal.AsSpan(targets), atStart: false);
    }

    /// <summary>Whether what is looked for ends here.</summary>
    public bool IsFound(int state) => Nodes(state).Contains(look.Fragment.Exit);

    /// <summary>Whether what is looked for ends here, if the text does.</summary>
    public bool IsFoundAtEnd(int state) => Closure(Nodes(state), atStart: false, atEnd: true).Contains(look.Fragment.Exit);

    private int StateOf(ReadOnlySpan<int> nodes, bool atStart)
    {
        var closure = Closure(nodes, atStart, atEnd: false);
        var key = MemoryMarshal.Cast<int, char>(closure);
        if (!_numbers.TryGetValue(key, out var state))
        {
            budget.SpendState();
            state = _states.Count;
            _numbers[key] = state;
            _states.Add(closure);
        }

        return state;
    }

    private int[] Closure(ReadOnlySpan<int> nodes, bool atStart, bool atEnd)
    {
        var reached = new SortedSet<int>();
        var open = new Stack<int>(nodes.ToArray());
        while (open.TryPop(out var node))
        {
            if (!reached.Add(node))
            {
                continue;
            }

            budget.SpendWork(1 + graph[node].Count);
            foreach (var edge in graph[node])
            {
                if (edge.Kind == PatternEdgeKind.Look)
                {
                    throw new PatternException("has a lookaround within another one, which cannot be enforced; take it out");
                }

                if (edge.Kind == PatternEdgeKind.Free || (atStart && edge.Kind == PatternEdgeKind.AtStart)
                    || (atEnd && edge.Kind == PatternEdgeKind.AtEnd))
                {
                    open.Push(edge.Target);
                }
            }
        }

        return [.. reached];
    }
}
