namespace GptOss.Net.StructuredOutput.Json;

/// <summary>A number between two bounds, both included, without an exponent.</summary>
/// <param name="low">The least value, in units of 10^-<paramref name="fractionDigits"/>.</param>
/// <param name="high">The greatest value, in the same units; not below <paramref name="low"/>.</param>
/// <param name="fractionDigits">How many digits may follow the decimal point: 0 for whole numbers.</param>
internal sealed class RangeForm(Int128 low, Int128 high, int fractionDigits) : ValueForm
{
    /// <summary>How many digits the whole part has at most.</summary>
    public const int MaxDigits = 18;

    /// <summary>How many digits may follow the decimal point.</summary>
    public int FractionDigits => fractionDigits;

    public override TextState Start(TextState next, int depth) => new RangeText(this, RangePart.Start, false, 0, 0, next);

    /// <summary>Whether a magnitude between two others, both included, lies within the bounds.</summary>
    public bool Contains(Int128 least, Int128 greatest, bool isNegative)
    {
        var from = isNegative ? Int128.Max(1, -high) : Int128.Max(0, low);
        var to = isNegative ? -low : high;
        return Int128.Max(from, least) <= Int128.Min(to, greatest);
    }
}
