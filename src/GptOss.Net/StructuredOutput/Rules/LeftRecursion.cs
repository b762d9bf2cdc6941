namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>
/// Rules that begin with themselves, as <c>sum: sum "+" number | number</c> does, are loops: <c>number ("+" number)*</c>. The texts are
/// the same. Rules that begin with each other need no rewriting; they only cost more.
/// </summary>
internal static class LeftRecursion
{
    /// <param name="nodes">The places of all rules.</param>
    /// <param name="first">The first one of the last rule, to which those after it belong.</param>
    /// <param name="start">Where the rule begins, to which no edge leads.</param>
    /// <param name="symbol">The rule's symbol on edges.</param>
    public static void Rewrite(List<RuleNode> nodes, int first, int start, int symbol)
    {
        var loops = nodes[start].Edges.FindAll(edge => edge.Symbol == symbol);
        if (loops.Count == 0)
        {
            return;
        }

        // What follows the rule itself follows each of its ends.
        nodes[start].Edges.RemoveAll(edge => edge.Symbol == symbol);
        var rest = loops.SelectMany(edge => nodes[edge.Target].Edges).Distinct().ToArray();
        var bareEnds = new HashSet<int>();
        for (var node = first; node < nodes.Count; node++)
        {
            if (!nodes[node].IsEnd)
            {
                continue;
            }

            if (nodes[node].Edges.Count == 0)
            {
                bareEnds.Add(node);
            }

            nodes[node].Edges.AddRange(rest.Except(nodes[node].Edges).ToArray());
        }

        // The rule, and then the rest of the loop any number of times, is the rule again: with that, an ambiguous
        // 'sum: sum "+" sum | number' has one reading, and does not nest.
        var end = nodes.Count;
        nodes.Add(new RuleNode { IsEnd = true });
        for (var node = first; node < end; node++)
        {
            var edges = nodes[node].Edges;
            for (var i = 0; i < edges.Count; i++)
            {
                if (edges[i].Symbol == symbol && bareEnds.Contains(edges[i].Target))
                {
                    edges[i] = edges[i] with { Target = end };
                }
            }
        }
    }
}
