using System.Globalization;
using System.Numerics;

namespace GptOss.Net.Tests.StructuredOutput;

/// <summary>Bounds of numbers are exact, whatever their size.</summary>
public sealed class NumberBoundTests
{
    private const int Digits = 28;

    [Fact]
    public void A_number_is_accepted_exactly_if_it_lies_within_its_bounds()
    {
        var random = new Random(3);
        for (var i = 0; i < LongTests.Cases(300, 10_000); i++)
        {
            var (isInteger, one, other) = (random.Next(2) == 0, Decimal(random), Decimal(random));
            var (low, high) = Scaled(one) <= Scaled(other) ? (one, other) : (other, one);
            var grammar = TryCompile($$"""{"type":"{{(isInteger ? "integer" : "number")}}","minimum":{{low}},"maximum":{{high}}}""");
            for (var j = 0; grammar is not null && j < 40; j++)
            {
                var number = random.Next(4) == 0 ? (random.Next(2) == 0 ? low : high) : Near(random.Next(2) == 0 ? low : high, random);
                number = isInteger ? number.Split('.')[0] : number;
                var isInside = Scaled(number) >= Scaled(low) && Scaled(number) <= Scaled(high)
                    && !(number[0] == '-' && Scaled(number).IsZero);
                Schemas.Accepts(grammar, number).Should().Be(isInside, "{0} is to lie between {1} and {2}", number, low, high);
            }
        }
    }

    private static GptOss.Net.StructuredOutput.JsonSchemaGrammar? TryCompile(string schema)
    {
        try
        {
            return Schemas.Compile(schema);
        }
        catch (ArgumentException)
        {
            return null; // no whole number lies between the two
        }
    }

    private static string Decimal(Random random)
    {
        var whole = random.Next(4) == 0 ? "0" : $"{random.Next(1, 10)}{Some(random, random.Next(28))}";
        var fraction = random.Next(2) == 0 ? "" : $".{Some(random, random.Next(1, 10))}1";
        return random.Next(2) == 0 && (whole, fraction) is not ("0", "") ? $"-{whole}{fraction}" : whole + fraction;
    }

    /// <summary>The same digits but one, some more, or some fewer.</summary>
    private static string Near(string number, Random random)
    {
        var digits = number.ToCharArray();
        var place = random.Next(digits.Length);
        if (char.IsAsciiDigit(digits[place]))
        {
            digits[place] = (char)('0' + random.Next(10));
        }

        var text = new string(digits);
        var (sign, magnitude) = text[0] == '-' ? ("-", text[1..]) : ("", text);
        magnitude = magnitude.TrimStart('0') is { Length: > 0 } trimmed && trimmed[0] != '.' ? trimmed : "0" + magnitude.TrimStart('0');
        return sign + (magnitude.Contains('.', StringComparison.Ordinal) ? magnitude + Some(random, random.Next(3)) : magnitude);
    }

    private static string Some(Random random, int count) => string.Concat(Enumerable.Range(0, count).Select(_ => random.Next(10)));

    private static BigInteger Scaled(string number)
    {
        var parts = number.Split('.');
        var fraction = (parts.Length > 1 ? parts[1] : "").PadRight(Digits, '0');
        return BigInteger.Parse(parts[0] + fraction, CultureInfo.InvariantCulture);
    }
}
