namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>A place in a rule.</summary>
internal sealed class RuleNode
{
    /// <summary>Whether the rule may end here.</summary>
    public bool IsEnd { get; set; }

    /// <summary>What may come.</summary>
    public List<RuleEdge> Edges { get; } = [];

    /// <summary>The places where the text is just as well, with nothing read; none once they were written out.</summary>
    public List<int> Free { get; } = [];
}
