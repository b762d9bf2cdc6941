using System.Globalization;
using System.Numerics;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>
/// A bound of a magnitude as its decimal digits, so that a text can be compared with it digit by digit, however large it is.
/// </summary>
/// <param name="Whole">The digits before the point; no leading zero unless it is the only digit.</param>
/// <param name="Fraction">The digits behind it.</param>
internal sealed record DigitBound(string Whole, string Fraction)
{
    /// <summary>Returns the digits of a magnitude in units of 10^-<paramref name="fractionDigits"/>.</summary>
    public static DigitBound Create(BigInteger magnitude, int fractionDigits)
    {
        var digits = magnitude.ToString(CultureInfo.InvariantCulture).PadLeft(fractionDigits + 1, '0');
        return new DigitBound(digits[..^fractionDigits], digits[^fractionDigits..]);
    }

    /// <summary>How a digit compares with the bound's at the same place.</summary>
    public int Compare(bool isFraction, int place, int digit)
    {
        var digits = isFraction ? Fraction : Whole;
        return digit.CompareTo(place < digits.Length ? digits[place] - '0' : 0);
    }

    /// <summary>Whether only zeros are left from a place of the fraction on.</summary>
    public bool EndsAt(int place) => place >= Fraction.Length || Fraction.AsSpan(place).IndexOfAnyExcept('0') < 0;
}
