namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>A rule that may begin at some point of a text, while it is found out which do.</summary>
internal sealed class RuleCall(int rule, ReturnPoint end)
{
    public int Rule => rule;

    /// <summary>What follows the rule; complete once all callers are known.</summary>
    public ReturnPoint Return => end;

    /// <summary>The places behind it in the rules that may wait for it.</summary>
    public List<RulePlace> Callers { get; } = [];

    /// <summary>Whether the rule has the empty text, so that what is behind it may begin, too.</summary>
    public bool MayBeEmpty { get; set; }

    /// <summary>Whether its return point is being completed.</summary>
    public bool IsOpen { get; set; }

    /// <summary>Whether its return point leads to itself, so that no equal one is looked for.</summary>
    public bool IsCyclic { get; set; }

    /// <summary>The return point to use: another one where that is the same.</summary>
    public ReturnPoint? Result { get; set; }
}
