using System.Numerics;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>The magnitudes between two bounds, both included.</summary>
internal sealed record DigitRange(DigitBound Low, DigitBound High)
{
    /// <summary>The range of the magnitudes from <paramref name="low"/> to <paramref name="high"/>; null if it is empty.</summary>
    public static DigitRange? Create(BigInteger low, BigInteger high, int fractionDigits) =>
        low > high ? null : new DigitRange(DigitBound.Create(low, fractionDigits), DigitBound.Create(high, fractionDigits));

    /// <summary>
    /// Whether a whole part of so many digits lies between the bounds' whole parts, or can be continued so with so many more.
    /// </summary>
    /// <param name="digits">How many digits it has in the end.</param>
    /// <param name="toLow">How its digits so far compare with the first ones of the low bound.</param>
    /// <param name="toHigh">How they compare with those of the high bound.</param>
    public bool CanHaveWhole(int digits, int toLow, int toHigh) =>
        (digits > Low.Whole.Length || (digits == Low.Whole.Length && toLow >= 0))
        && (digits < High.Whole.Length || (digits == High.Whole.Length && toHigh <= 0));

    /// <summary>How a complete whole part of so many digits compares with those of the bounds.</summary>
    public (int ToLow, int ToHigh) CompareWhole(int digits, int toLow, int toHigh) =>
        (digits == Low.Whole.Length ? toLow : digits.CompareTo(Low.Whole.Length),
        digits == High.Whole.Length ? toHigh : digits.CompareTo(High.Whole.Length));
}
