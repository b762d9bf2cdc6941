using System.Text.Json;
using GptOss.Net.StructuredOutput.Json;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>Compiles the bounds of numbers. <c>multipleOf</c> is not enforced.</summary>
internal static class NumberFormCompiler
{
    // A bounded number that isn't whole has so many digits after the point.
    private const int FractionDigits = 9;

    private static readonly decimal Largest = (decimal)Math.Pow(10, RangeForm.MaxDigits) - 1;

    public static ValueForm Compile(IReadOnlyList<SchemaKeywords> schemas, bool isInteger)
    {
        var digits = isInteger ? 0 : FractionDigits;
        Int128? low = null;
        Int128? high = null;
        foreach (var schema in schemas)
        {
            low = Max(low, Bound(schema, "minimum", "exclusiveMinimum", digits, isLow: true));
            high = Max(high, Bound(schema, "maximum", "exclusiveMaximum", digits, isLow: false));
        }

        if (low is null && high is null)
        {
            return isInteger ? NumberForm.Integer : NumberForm.Number;
        }

        var limit = (Int128)Largest * (Int128)Math.Pow(10, digits);
        var (from, to) = (Int128.Max(low ?? -limit, -limit), Int128.Min(-high ?? limit, limit));
        return from <= to ? new RangeForm(from, to, digits) : throw SchemaRefusal.Invalid(
            schemas[0].Path, $"no {(isInteger ? "whole " : "")}number of up to {RangeForm.MaxDigits} digits lies between its minimum and its maximum");
    }

    // The least scaled value; for an upper bound everything is negated.
    private static Int128? Bound(SchemaKeywords schema, string inclusive, string exclusive, int digits, bool isLow)
    {
        var isExclusive = false;
        Int128? bound = null;
        if (schema.TryGet(exclusive, out var value))
        {
            // Draft 4 has a flag beside the inclusive bound instead of a number.
            isExclusive = value.ValueKind == JsonValueKind.True;
            if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            {
                bound = Scale(schema.Number(exclusive)!.Value, digits, isLow, isExclusive: true);
            }
        }

        return schema.Number(inclusive) is { } number ? Max(bound, Scale(number, digits, isLow, isExclusive)) : bound;
    }

    private static Int128 Scale(JsonElement number, int digits, bool isLow, bool isExclusive)
    {
        var clamped = number.TryGetDecimal(out var value)
            ? Math.Clamp(value, -Largest - 1, Largest + 1)
            : number.GetDouble() > 0 ? Largest + 1 : -Largest - 1;
        var unit = (decimal)Math.Pow(10, digits);
        var whole = decimal.Floor(clamped);
        var scaled = ((Int128)whole * (Int128)unit) + (Int128)((clamped - whole) * unit);
        var isExact = (clamped - whole) * unit == decimal.Truncate((clamped - whole) * unit);
        if (!isLow)
        {
            return -(isExact && isExclusive ? scaled - 1 : scaled);
        }

        return isExact && !isExclusive ? scaled : scaled + 1;
    }

    private static Int128? Max(Int128? left, Int128? right) =>
        left is null ? right : right is null ? left : Int128.Max(left.Value, right.Value);
}
