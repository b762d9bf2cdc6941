namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>The return points of a grammar's texts; equal ones are one. Not safe for use by several threads.</summary>
internal sealed class ReturnPoints
{
    private readonly Dictionary<string, ReturnPoint> _known = new(StringComparer.Ordinal);
    private int _next;

    public ReturnPoint Create(int depth) => new(_next++, depth);

    /// <summary>Returns a complete return point, or the one that was shared before and is the same.</summary>
    public ReturnPoint Share(ReturnPoint end)
    {
        var key = RuleKernel.Key(end);
        if (!_known.TryGetValue(key, out var known))
        {
            known = _known[key] = end;
        }

        known.Depth = Math.Min(known.Depth, end.Depth);
        return known;
    }

    /// <summary>Forgets all; those in use stay what they are.</summary>
    public void Clear() => _known.Clear();
}
