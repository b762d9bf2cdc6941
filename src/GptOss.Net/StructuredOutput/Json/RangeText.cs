namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Within a bounded number. A digit may come if some continuation lies within the bounds.</summary>
/// <param name="Form">The bounds.</param>
/// <param name="Part">Where the text is.</param>
/// <param name="IsNegative">Whether there is a minus sign.</param>
/// <param name="Prefix">The digits so far, read as one number.</param>
/// <param name="Digits">How many digits the present part has.</param>
/// <param name="Next">What follows the number.</param>
internal sealed record RangeText(RangeForm Form, RangePart Part, bool IsNegative, Int128 Prefix, int Digits, TextState Next) : TextState
{
    public override bool IsAccepting => IsComplete && Next.IsAccepting;

    private bool IsComplete => Digits > 0 && Contains(Prefix * Unit, Prefix * Unit);

    // What the last digit of the prefix counts.
    private Int128 Unit => Power(Part == RangePart.Fraction ? Form.FractionDigits - Digits : Form.FractionDigits);

    public override TextState? Advance(byte next)
    {
        var inside = next switch
        {
            >= (byte)'0' and <= (byte)'9' => AdvanceDigit(next - '0'),
            (byte)'-' when Part == RangePart.Start && Form.Contains(0, Int128.MaxValue, isNegative: true) =>
                this with { Part = RangePart.Sign, IsNegative = true },
            (byte)'.' when Part == RangePart.Whole && Form.FractionDigits > 0 && HoldsPrefix(0) =>
                this with { Part = RangePart.Fraction, Digits = 0 },
            _ => null,
        };
        return inside ?? (IsComplete ? Next.Advance(next) : null);
    }

    private RangeText? AdvanceDigit(int digit)
    {
        if (Part == RangePart.Fraction ? Digits == Form.FractionDigits : Digits == RangeForm.MaxDigits || (Digits == 1 && Prefix == 0))
        {
            return null;
        }

        var part = Part == RangePart.Fraction ? RangePart.Fraction : RangePart.Whole;
        var advanced = this with { Part = part, Prefix = (Prefix * 10) + digit, Digits = Digits + 1 };
        return advanced.CanFinish() ? advanced : null;
    }

    private bool CanFinish()
    {
        var more = Part == RangePart.Fraction || Prefix == 0 ? 0 : RangeForm.MaxDigits - Digits;
        for (var digits = 0; digits <= more; digits++)
        {
            if (HoldsPrefix(digits))
            {
                return true;
            }
        }

        return false;
    }

    // Whether a value lies within the bounds that has so many more digits in this part, and then any fraction.
    private bool HoldsPrefix(int moreDigits)
    {
        var unit = Unit * Power(moreDigits);
        return Contains(Prefix * unit, ((Prefix + 1) * unit) - 1);
    }

    private bool Contains(Int128 least, Int128 greatest) => Form.Contains(least, greatest, IsNegative);

    private static Int128 Power(int exponent)
    {
        Int128 power = 1;
        for (var i = 0; i < exponent; i++)
        {
            power *= 10;
        }

        return power;
    }
}
