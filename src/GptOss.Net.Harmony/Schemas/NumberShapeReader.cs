using System.Numerics;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Reads the bounds of numbers, the numbers that they are not, and powers of ten in <c>multipleOf</c>.</summary>
internal static class NumberShapeReader
{
    public static NumberShape Read(IReadOnlyList<SchemaKeywords> schemas, SchemaFacts facts, bool isInteger)
    {
        var step = schemas.Select(MultipleOf)
            .Aggregate(isInteger ? 0 : (int?)null, (least, digits) => least < digits ? least : digits ?? least);
        var digits = step ?? DecimalNumber.FractionDigits;
        var notes = SchemaShapeReader.Notes(schemas, "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf");
        BigInteger? low = null;
        BigInteger? high = null;
        foreach (var schema in schemas)
        {
            low = Max(low, Bound(schema, "minimum", "exclusiveMinimum", digits, sign: 1));
            high = Max(high, Bound(schema, "maximum", "exclusiveMaximum", digits, sign: -1));
        }

        var excluded = Excluded(facts, digits);
        if (low is null && high is null && step is null && excluded.Count == 0)
        {
            return new NumberShape(null, digits);
        }

        var range = Range(low, -high, digits);
        if (range.Low > range.High)
        {
            schemas[0].ReportInvalid(
                "minimum", $"and 'maximum' leave no {(digits == 0 ? "whole " : "")}number of up to {DecimalNumber.WholeDigits} digits");
            range = Range(null, null, digits);
        }

        if (excluded.Count > 0)
        {
            notes = [.. notes, "not: " + string.Join(", ", excluded.Select(one => one.Text))];
        }

        return new NumberShape(Without(range, excluded.Select(one => one.Value), digits), digits) { Notes = notes };
    }

    // Where a side is open, the other decides whether a whole number is one of 64 bits.
    private static NumberRange Range(BigInteger? low, BigInteger? high, int digits)
    {
        var limit = DecimalNumber.Limit(digits);
        if (digits > 0)
        {
            return new(BigInteger.Max(low ?? -limit, -limit), BigInteger.Min(high ?? limit, limit));
        }

        var least = low is not null || high < long.MinValue ? -limit : long.MinValue;
        var most = high is not null || low > ulong.MaxValue ? limit : ulong.MaxValue;
        return new(BigInteger.Max(low ?? least, least), BigInteger.Min(high ?? most, most));
    }

    private static List<NumberRange> Without(NumberRange range, IEnumerable<BigInteger> excluded, int digits)
    {
        var ranges = new List<NumberRange>();
        var low = range.Low;
        foreach (var value in excluded.Where(value => value >= range.Low && value <= range.High).Distinct().Order())
        {
            var gap = digits == 0 ? 1 : DecimalNumber.Gap(value, digits);
            ranges.Add(new(low, value - gap));
            low = value + gap;
        }

        ranges.Add(new(low, range.High));
        ranges.RemoveAll(one => one.Low > one.High);
        return ranges;
    }

    private static List<(BigInteger Value, string Text)> Excluded(SchemaFacts facts, int digits)
    {
        var excluded = new List<(BigInteger, string)>();
        foreach (var value in facts.Excluded.Where(value => value.ValueKind == JsonValueKind.Number))
        {
            var (scaled, isExact) = DecimalNumber.Floor(value.GetRawText(), 1, digits);
            if (isExact)
            {
                excluded.Add((scaled, value.GetRawText()));
            }
        }

        return excluded;
    }

    // The least scaled value; for an upper bound everything is negated.
    private static BigInteger? Bound(SchemaKeywords schema, string inclusive, string exclusive, int digits, int sign)
    {
        var isExclusive = false;
        BigInteger? bound = null;
        if (schema.TryGet(exclusive, out var value))
        {
            // Draft 4 has a flag beside the inclusive bound instead of a number.
            isExclusive = value.ValueKind == JsonValueKind.True;
            if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False) && schema.Number(exclusive) is { } text)
            {
                bound = DecimalNumber.Least(text, sign, digits, isExclusive: true);
            }
        }

        return schema.Number(inclusive) is { } number ? Max(bound, DecimalNumber.Least(number, sign, digits, isExclusive)) : bound;
    }

    // How many digits behind the point a multiple has, where the step is a power of ten; null where it says nothing of the kind.
    private static int? MultipleOf(SchemaKeywords schema)
    {
        if (schema.Number("multipleOf") is not { } text)
        {
            return null;
        }

        for (var digits = 0; digits <= DecimalNumber.FractionDigits; digits++)
        {
            if (DecimalNumber.Floor(text, 1, digits) is (var value, true))
            {
                if (!value.IsOne)
                {
                    schema.Report("multipleOf", "is enforced for powers of ten up to 1 only", SchemaOmissionKind.Documented);
                }

                return value.Sign > 0 ? digits : null;
            }
        }

        schema.Report("multipleOf", "is enforced for powers of ten up to 1 only", SchemaOmissionKind.Documented);
        return null;
    }

    private static BigInteger? Max(BigInteger? left, BigInteger? right) =>
        left is null ? right : right is null ? left : BigInteger.Max(left.Value, right.Value);
}
