namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Within a number; <paramref name="Digits"/> counts those of its present part.</summary>
internal sealed record NumberText(NumberPart Part, int Digits, TextState Next) : TextState
{
    // Those of the longest decimal.
    private const int MaxWholeDigits = 29;
    private const int MaxFractionDigits = 28;
    private const int MaxExponentDigits = 2;

    public override bool IsAccepting => IsComplete && Next.IsAccepting;

    private bool IsComplete => Part is NumberPart.Zero or NumberPart.Digit or NumberPart.FractionDigit or NumberPart.ExponentDigit;

    public override TextState? Advance(byte next)
    {
        var inside = next is >= (byte)'0' and <= (byte)'9' ? AdvanceDigit(next) : AdvanceMark(next);
        return inside ?? (IsComplete ? Next.Advance(next) : null);
    }

    private NumberText? AdvanceDigit(byte next) => Part switch
    {
        NumberPart.Start or NumberPart.Sign => To(next == '0' ? NumberPart.Zero : NumberPart.Digit, 1),
        NumberPart.Digit when Digits < MaxWholeDigits => To(NumberPart.Digit, Digits + 1),
        NumberPart.Point => To(NumberPart.FractionDigit, 1),
        NumberPart.FractionDigit when Digits < MaxFractionDigits => To(NumberPart.FractionDigit, Digits + 1),
        NumberPart.Exponent or NumberPart.ExponentSign => To(NumberPart.ExponentDigit, 1),
        NumberPart.ExponentDigit when Digits < MaxExponentDigits => To(NumberPart.ExponentDigit, Digits + 1),
        _ => null,
    };

    private NumberText? AdvanceMark(byte next) => (Part, next) switch
    {
        (NumberPart.Start, (byte)'-') => To(NumberPart.Sign, 0),
        (NumberPart.Zero or NumberPart.Digit, (byte)'.') => To(NumberPart.Point, 0),
        (NumberPart.Zero or NumberPart.Digit or NumberPart.FractionDigit, (byte)'e' or (byte)'E') =>
            To(NumberPart.Exponent, 0),
        (NumberPart.Exponent, (byte)'+' or (byte)'-') => To(NumberPart.ExponentSign, 0),
        _ => null,
    };

    private NumberText To(NumberPart part, int digits) => new(part, digits, Next);
}
