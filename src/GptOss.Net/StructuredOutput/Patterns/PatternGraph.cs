namespace GptOss.Net.StructuredOutput.Patterns;

/// <summary>
/// A nondeterministic automaton over characters, built bottom up. A fragment's nodes lie together, so that it can be copied.
/// </summary>
internal sealed class PatternGraph(PatternBudget budget)
{
    private readonly List<List<PatternEdge>> _edges = [];

    /// <summary>The lookarounds.</summary>
    public List<PatternLook> Looks { get; } = [];

    /// <summary>What the graph may cost.</summary>
    public PatternBudget Budget => budget;

    /// <summary>The number of nodes.</summary>
    public int Count => _edges.Count;

    /// <summary>The edges of a node.</summary>
    public List<PatternEdge> this[int node] => _edges[node];

    public int AddNode()
    {
        budget.SpendNodes(1);
        _edges.Add([]);
        return _edges.Count - 1;
    }

    public void Link(int from, int to, PatternEdgeKind kind = PatternEdgeKind.Free) => _edges[from].Add(new(kind, to));

    private void Link(int from, int to, PatternLook look)
    {
        budget.SpendNodes(1);
        Looks.Add(look);
        _edges[from].Add(new(PatternEdgeKind.Look, to, new CharacterRange(Looks.Count - 1, Looks.Count - 1)));
    }

    public PatternFragment AddAssertion(PatternEdgeKind kind)
    {
        var fragment = new PatternFragment(AddNode(), AddNode());
        Link(fragment.Entry, fragment.Exit, kind);
        return fragment;
    }

    /// <summary>Adds a lookaround for a fragment that was added before.</summary>
    public PatternFragment AddLook(PatternLook look)
    {
        var fragment = new PatternFragment(AddNode(), AddNode());
        Link(fragment.Entry, fragment.Exit, look);
        return fragment;
    }

    /// <summary>Adds a place between a character of words and another one, or none; or, negated, any other place.</summary>
    public PatternFragment AddWordBoundary(bool isNegated)
    {
        var word = AddCharacter(CharacterSet.Words);
        var (entry, afterWord, afterOther, exit) = (AddNode(), AddNode(), AddNode(), AddNode());
        Link(entry, afterWord, new PatternLook(word, IsBehind: true, IsNegative: false));
        Link(entry, afterOther, new PatternLook(word, IsBehind: true, IsNegative: true));
        Link(afterWord, exit, new PatternLook(word, IsBehind: false, IsNegative: !isNegated));
        Link(afterOther, exit, new PatternLook(word, IsBehind: false, IsNegative: isNegated));
        return new PatternFragment(entry, exit);
    }

    public PatternFragment AddCharacter(CharacterSet set)
    {
        var fragment = new PatternFragment(AddNode(), AddNode());
        var usable = set.Intersect(CharacterSet.Usable).Ranges;
        budget.SpendWork(usable.Length);
        foreach (var range in usable)
        {
            _edges[fragment.Entry].Add(new(PatternEdgeKind.Character, fragment.Exit, range));
        }

        return fragment;
    }

    /// <summary>Repeats the fragment that was added last.</summary>
    public PatternFragment Repeat(PatternFragment fragment, int least, int? most)
    {
        if (most == 0)
        {
            _edges.RemoveRange(fragment.Entry + 1, Count - fragment.Entry - 1);
            _edges[fragment.Entry].Clear();
            return new PatternFragment(fragment.Entry, fragment.Entry);
        }

        var copies = new List<PatternFragment> { fragment };
        while (copies.Count < (most ?? Math.Max(1, least)))
        {
            copies.Add(Copy(fragment));
        }

        var exit = AddNode();
        for (var i = 0; i < copies.Count; i++)
        {
            Link(copies[i].Exit, i + 1 < copies.Count ? copies[i + 1].Entry : exit);
            if (i >= least)
            {
                Link(copies[i].Entry, exit);
            }
        }

        if (most is null)
        {
            Link(copies[^1].Exit, copies[^1].Entry);
        }

        return new PatternFragment(fragment.Entry, exit);
    }

    private PatternFragment Copy(PatternFragment fragment)
    {
        var offset = Count - fragment.Entry;
        for (var node = fragment.Entry; node <= fragment.Exit; node++)
        {
            budget.SpendWork(_edges[node].Count);
            _edges[AddNode()].AddRange(_edges[node].Select(edge => edge with { Target = edge.Target + offset }));
        }

        return new PatternFragment(fragment.Entry + offset, fragment.Exit + offset);
    }
}
