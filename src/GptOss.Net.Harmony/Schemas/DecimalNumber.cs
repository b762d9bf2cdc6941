using System.Globalization;
using System.Numerics;

namespace GptOss.Net.Harmony;

/// <summary>Decimal numbers of any size, exactly: as whole numbers of units of their last digit.</summary>
internal static class DecimalNumber
{
    /// <summary>How many digits a number has before the point at most: those of the longest <see cref="decimal"/>.</summary>
    public const int WholeDigits = 29;

    /// <summary>How many digits it has behind the point at most.</summary>
    public const int FractionDigits = 28;

    // Numbers written with more characters are read as doubles.
    private const int MaxLength = 400;
    private const int MaxExponent = 10_000;

    // What a double distinguishes; a value just within an exclusive bound must not be read as the bound itself.
    private const int DoubleDigits = 15;
    private const int GapDigits = 9;

    /// <summary>The greatest number, in units of 10^-<paramref name="digits"/>.</summary>
    public static BigInteger Limit(int digits) => BigInteger.Pow(10, WholeDigits + digits) - 1;

    /// <summary>The least number, in units, that is not below a JSON number times a sign.</summary>
    public static BigInteger Least(string text, int sign, int digits, bool isExclusive)
    {
        var (value, isExact) = Floor(text, sign, digits);
        return !isExact ? value + 1
            : !isExclusive ? value
            : value + (digits == 0 ? 1 : Gap(value, digits));
    }

    /// <summary>How far from a number another one is that a double tells from it.</summary>
    public static BigInteger Gap(BigInteger value, int digits)
    {
        var wholeDigits = Math.Max(0, BigInteger.Abs(value).ToString(CultureInfo.InvariantCulture).Length - digits);
        var exponent = digits - Math.Min(GapDigits, DoubleDigits - wholeDigits);
        return exponent <= 0 ? 1 : BigInteger.Pow(10, exponent);
    }

    /// <summary>A JSON number times a sign, in units, rounded down; what lies beyond the limit becomes a little more than that.</summary>
    public static (BigInteger Value, bool IsExact) Floor(string text, int sign, int digits)
    {
        if (text.Length > MaxLength)
        {
            var value = sign * double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
            return Math.Abs(value) < 1e29
                ? (new BigInteger(Math.Floor(value)) * BigInteger.Pow(10, digits), false)
                : (Math.Sign(value) * (Limit(digits) + 1), true);
        }

        var mark = text.AsSpan().IndexOfAny('e', 'E');
        var mantissa = mark < 0 ? text : text[..mark];
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var number = sign * BigInteger.Parse(mantissa.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        var shift = digits + Exponent(text, mark) - (point < 0 ? 0 : mantissa.Length - point - 1);
        if (number.IsZero || shift >= 0)
        {
            var isTooLarge = shift > WholeDigits + digits && !number.IsZero;
            var scaled = isTooLarge
                ? number.Sign * (Limit(digits) + 1)
                : Clamp(number * BigInteger.Pow(10, number.IsZero ? 0 : shift), digits);
            return (scaled, true);
        }

        var quotient = BigInteger.DivRem(number, BigInteger.Pow(10, Math.Min(-shift, MaxLength + 1)), out var rest);
        return (Clamp(quotient - (rest.Sign < 0 ? 1 : 0), digits), rest.IsZero);
    }

    private static int Exponent(string text, int mark) => mark < 0 ? 0
        : int.TryParse(text.AsSpan(mark + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var written)
            ? Math.Clamp(written, -MaxExponent, MaxExponent)
            : text[mark + 1] == '-' ? -MaxExponent : MaxExponent;

    private static BigInteger Clamp(BigInteger value, int digits) =>
        BigInteger.Min(BigInteger.Max(value, -Limit(digits) - 1), Limit(digits) + 1);
}
