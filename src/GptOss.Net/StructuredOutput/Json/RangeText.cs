namespace GptOss.Net.StructuredOutput.Json;

/// <summary>
/// Within a bounded number. A digit may come if some continuation lies within the bounds. Of the digits so far only how they compare
/// with the bounds is kept, so that numbers have few states and any size.
/// </summary>
/// <param name="Form">The bounds.</param>
/// <param name="Part">Where the text is.</param>
/// <param name="IsNegative">Whether there is a minus sign.</param>
/// <param name="Digits">How many digits the present part has.</param>
/// <param name="ToLow">How the digits compare with those of the low bound: below 0, 0 or above 0.</param>
/// <param name="ToHigh">How they compare with those of the high bound.</param>
/// <param name="Next">What follows the number.</param>
internal sealed record RangeText(
    RangeForm Form, RangePart Part, bool IsNegative, int Digits, int ToLow, int ToHigh, TextState Next) : TextState
{
    public override bool IsAccepting => IsComplete && Next.IsAccepting;

    private DigitRange? Range => Form.Magnitudes(IsNegative);

    private bool IsComplete => Part switch
    {
        RangePart.Zero or RangePart.Whole =>
            CanTakeFraction() && Range!.CompareWhole(Digits, ToLow, ToHigh) is var (low, _) && IsAboveLow(low, 0),
        RangePart.Fraction => Digits > 0 && IsAboveLow(ToLow, Digits),
        _ => false,
    };

    public override TextState? Advance(byte next)
    {
        var inside = next switch
        {
            >= (byte)'0' and <= (byte)'9' => Part == RangePart.Fraction ? AdvanceFraction(next - '0') : AdvanceWhole(next - '0'),
            (byte)'-' when Part == RangePart.Start && Form.Magnitudes(isNegative: true) is not null =>
                this with { Part = RangePart.Sign, IsNegative = true },
            (byte)'.' when Part is RangePart.Zero or RangePart.Whole && Form.FractionDigits > 0 && CanTakeFraction() => Point(),
            _ => null,
        };
        return inside ?? (IsComplete ? Next.Advance(next) : null);
    }

    private RangeText? AdvanceWhole(int digit)
    {
        if (Part == RangePart.Zero || Range is not { } range)
        {
            return null;
        }

        var advanced = this with
        {
            Part = digit == 0 && Digits == 0 ? RangePart.Zero : RangePart.Whole,
            Digits = Digits + 1,
            ToLow = ToLow == 0 ? range.Low.Compare(isFraction: false, Digits, digit) : ToLow,
            ToHigh = ToHigh == 0 ? range.High.Compare(isFraction: false, Digits, digit) : ToHigh,
        };
        return advanced.CanFinish(range) ? advanced : null;
    }

    private RangeText? AdvanceFraction(int digit)
    {
        if (Digits == Form.FractionDigits)
        {
            return null;
        }

        var advanced = this with
        {
            Digits = Digits + 1,
            ToLow = ToLow == 0 ? Range!.Low.Compare(isFraction: true, Digits, digit) : ToLow,
            ToHigh = ToHigh == 0 ? Range!.High.Compare(isFraction: true, Digits, digit) : ToHigh,
        };
        return advanced is { ToLow: >= 0, ToHigh: <= 0 } ? advanced : null;
    }

    private RangeText Point()
    {
        var (toLow, toHigh) = Range!.CompareWhole(Digits, ToLow, ToHigh);
        return this with { Part = RangePart.Fraction, Digits = 0, ToLow = toLow, ToHigh = toHigh };
    }

    private bool CanFinish(DigitRange range)
    {
        var most = Part == RangePart.Zero ? Digits : range.High.Whole.Length;
        for (var digits = Digits; digits <= most; digits++)
        {
            if (range.CanHaveWhole(digits, ToLow, ToHigh))
            {
                return true;
            }
        }

        return false;
    }

    // With a whole part like the bound's, there is a fraction that reaches the low bound and does not pass the high one.
    private bool CanTakeFraction() => Range!.CanHaveWhole(Digits, ToLow, ToHigh);

    // Missing digits are zeros.
    private bool IsAboveLow(int toLow, int place) => toLow > 0 || (toLow == 0 && Range!.Low.EndsAt(place));
}
