namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>A word of a grammar.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">As it stands there; of a literal, what it means; of a pattern, what stands between the slashes.</param>
/// <param name="Flags">The letters behind a literal or a pattern.</param>
/// <param name="Place">Where it begins.</param>
internal sealed record LarkToken(LarkTokenKind Kind, string Text, string Flags, LarkPlace Place)
{
    /// <summary>Whether it is this operator or bracket.</summary>
    public bool Is(string symbol) => Kind == LarkTokenKind.Symbol && string.Equals(Text, symbol, StringComparison.Ordinal);

    /// <summary>As an error tells it.</summary>
    public override string ToString() => Kind switch
    {
        LarkTokenKind.Literal => $"\"{Text}\"",
        LarkTokenKind.Pattern => $"/{Text}/",
        LarkTokenKind.NewLine => "the end of the line",
        LarkTokenKind.End => "the end of the grammar",
        _ => $"'{Text}'",
    };
}
