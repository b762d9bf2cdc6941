using System.Numerics;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>A number between two bounds, both included, without an exponent.</summary>
/// <param name="low">The least value, in units of 10^-<paramref name="fractionDigits"/>.</param>
/// <param name="high">The greatest value, in the same units; not below <paramref name="low"/>.</param>
/// <param name="fractionDigits">How many digits may follow the decimal point: 0 for whole numbers.</param>
internal sealed class RangeForm(BigInteger low, BigInteger high, int fractionDigits) : ValueForm
{
    /// <summary>A whole number of any 64-bit type.</summary>
    public static readonly RangeForm Integer = new(long.MinValue, ulong.MaxValue, 0);

    private readonly DigitRange? _positive = DigitRange.Create(BigInteger.Max(low, 0), high, fractionDigits);
    private readonly DigitRange? _negative = DigitRange.Create(BigInteger.Max(-high, 1), -low, fractionDigits);

    /// <summary>How many digits may follow the decimal point.</summary>
    public int FractionDigits => fractionDigits;

    /// <summary>The magnitudes that may follow a minus sign, or may come without one; null if none may.</summary>
    public DigitRange? Magnitudes(bool isNegative) => isNegative ? _negative : _positive;

    public override TextState Start(TextState next, int depth) => new RangeText(this, RangePart.Start, false, 0, 0, 0, next);
}
