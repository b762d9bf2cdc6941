namespace GptOss.Net.StructuredOutput.Rules;

/// <summary>
/// What follows the end of a rule that was begun: one or several places in rules that wait for it. Shared by all of them.
/// </summary>
/// <param name="id">A number that no other one has.</param>
/// <param name="depth">How many rules wait, on the shortest way.</param>
internal sealed class ReturnPoint(int id, int depth)
{
    public int Id => id;

    /// <summary>How many rules wait, on the shortest way. It may be found to be less later on.</summary>
    public int Depth { get; set; } = depth;

    /// <summary>The places; none of them is one where its own rule must end.</summary>
    public IReadOnlyList<RulePlace> Places { get; private set; } = [];

    /// <summary>Whether the text may end.</summary>
    public bool EndsText { get; private set; }

    public ReturnPoint Complete(IReadOnlyList<RulePlace> places, bool endsText)
    {
        (Places, EndsText) = (places, endsText);
        return this;
    }
}
