namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>Steps with nothing read.</summary>
internal static class FreeEdges
{
    /// <summary>Gives each place the edges of all that are reached with nothing read, and takes the free steps out.</summary>
    /// <param name="nodes">The places of all rules.</param>
    /// <param name="first">The first one of the last rule, to which those after it belong.</param>
    /// <param name="spend">Told of so many more edges; throws where there are too many.</param>
    public static void WriteOut(List<RuleNode> nodes, int first, Action<int> spend)
    {
        var reached = new HashSet<int>();
        var open = new Stack<int>();
        var written = new List<(RuleEdge[] Edges, bool IsEnd)>();
        for (var node = first; node < nodes.Count; node++)
        {
            reached.Clear();
            open.Push(node);
            var edges = new HashSet<RuleEdge>();
            var isEnd = false;
            while (open.TryPop(out var free))
            {
                if (!reached.Add(free))
                {
                    continue;
                }

                spend(1);
                isEnd |= nodes[free].IsEnd;
                edges.UnionWith(nodes[free].Edges);
                nodes[free].Free.ForEach(open.Push);
            }

            spend(edges.Count);
            written.Add(([.. edges], isEnd));
        }

        foreach (var (index, (edges, isEnd)) in written.Index())
        {
            var node = nodes[first + index];
            node.IsEnd = isEnd;
            node.Free.Clear();
            node.Edges.Clear();
            node.Edges.AddRange(edges);
        }
    }
}
