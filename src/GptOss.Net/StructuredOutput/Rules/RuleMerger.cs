using System.Globalization;
using System.Text;

namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>Finds places after which the same may come, so that texts which differ before them share their masks.</summary>
internal static class RuleMerger
{
    // What is not found by then is not merged, which costs masks alone.
    private const int MaxRounds = 16;

    /// <summary>Returns for each place the first one that is the same, often itself.</summary>
    public static int[] FindSame(List<RuleNode> nodes)
    {
        var same = Enumerable.Range(0, nodes.Count).ToArray();
        for (var (round, isChanged) = (0, true); isChanged && round < MaxRounds; round++)
        {
            isChanged = false;
            var known = new Dictionary<string, int>(StringComparer.Ordinal);
            for (var node = nodes.Count - 1; node >= 0; node--)
            {
                if (same[node] == node && !known.TryAdd(Describe(nodes[node], node, same), node))
                {
                    same[node] = known[Describe(nodes[node], node, same)];
                    isChanged = true;
                }
            }

            for (var node = 0; node < same.Length; node++)
            {
                same[node] = same[same[node]];
            }
        }

        return same;
    }

    private static string Describe(RuleNode node, int number, int[] same)
    {
        const int Itself = -1;
        var edges = node.Edges
            .Select(edge => (edge.Symbol, Target: same[edge.Target] == number ? Itself : same[edge.Target])).Distinct().Order();
        var text = new StringBuilder(node.IsEnd ? "." : "");
        foreach (var (symbol, target) in edges)
        {
            text.Append(CultureInfo.InvariantCulture, $" {symbol},{target}");
        }

        return text.ToString();
    }
}
