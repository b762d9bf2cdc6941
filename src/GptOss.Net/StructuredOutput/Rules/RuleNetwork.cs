using System.Collections.Immutable;
using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>The rules of a grammar: places with edges between them. Immutable.</summary>
internal sealed class RuleNetwork
{
    /// <summary>How many rules may wait for the end of another one within them; those that end with it do not wait.</summary>
    public const int MaxDepth = 128;

    private const int Endless = int.MaxValue / 4;

    private readonly int[] _starts;
    private readonly bool[] _ends;
    private readonly ImmutableArray<RuleEdge>[] _edges; // the symbol of a terminal is the number of its scan
    private readonly int[] _needs;

    private RuleNetwork(int root, int[] starts, bool[] ends, ImmutableArray<RuleEdge>[] edges, IReadOnlyList<RuleScan> scans)
    {
        (Root, _starts, _ends, _edges, Scans) = (root, starts, ends, edges, scans);
        _needs = new int[ends.Length];
        FindNeeds();
    }

    /// <summary>Where a text begins.</summary>
    public int Root { get; }

    /// <summary>The terminals on edges, each with the place behind it.</summary>
    public IReadOnlyList<RuleScan> Scans { get; }

    /// <param name="nodes">The places, without free steps.</param>
    /// <param name="root">Where a text begins.</param>
    /// <param name="starts">[rule] where it begins.</param>
    /// <param name="automata">[terminal] what it matches.</param>
    public static RuleNetwork Create(List<RuleNode> nodes, int root, int[] starts, IReadOnlyList<PatternAutomaton> automata)
    {
        var same = RuleMerger.FindSame(nodes);
        var scans = new OrderedDictionary<RuleEdge, RuleScan>();
        var code = nodes.Count;
        var edges = nodes.Select(node => node.Edges.Select(edge => edge with { Target = same[edge.Target] }).Distinct().Select(edge =>
        {
            if (edge.IsTerminal && !scans.ContainsKey(edge))
            {
                scans.Add(edge, new RuleScan(automata[edge.Symbol], edge.Target, code));
                code += automata[edge.Symbol].Count;
            }

            return edge.IsTerminal ? edge with { Symbol = scans.IndexOf(edge) } : edge;
        }).ToImmutableArray()).ToArray();
        return new RuleNetwork(
            same[root], [.. starts.Select(start => same[start])], [.. nodes.Select(node => node.IsEnd)], edges, [.. scans.Values]);
    }

    /// <summary>Where a rule begins.</summary>
    public int Start(int rule) => _starts[rule];

    /// <summary>Whether a rule may end at a place.</summary>
    public bool IsEnd(int node) => _ends[node];

    /// <summary>Whether a rule must end at a place.</summary>
    public bool MustEnd(int node) => _ends[node] && _edges[node].IsEmpty;

    /// <summary>What may come at a place.</summary>
    public ImmutableArray<RuleEdge> Edges(int node) => _edges[node];

    /// <summary>How many rules must at least wait for others, on the way from a place to the end of its rule.</summary>
    public int Need(int node) => _needs[node];

    private void FindNeeds()
    {
        for (var node = 0; node < _needs.Length; node++)
        {
            _needs[node] = _ends[node] ? 0 : Endless;
        }

        bool isChanged;
        do
        {
            isChanged = false;
            for (var node = _needs.Length - 1; node >= 0; node--)
            {
                foreach (var edge in _edges[node])
                {
                    var inside = edge.IsTerminal ? 0 : Math.Min(Endless, _needs[_starts[edge.Rule]] + (MustEnd(edge.Target) ? 0 : 1));
                    if (Math.Max(inside, _needs[edge.Target]) is var need && need < _needs[node])
                    {
                        _needs[node] = need;
                        isChanged = true;
                    }
                }
            }
        }
        while (isChanged);
    }
}
