namespace GptOss.Net.StructuredOutput.Json;

/// <summary>
/// Within the hexadecimal digits of an escaped character: four, or twelve of two escapes that are a surrogate pair. A half never comes
/// alone.
/// </summary>
/// <param name="Digits">How many digits the present escape has so far.</param>
/// <param name="Half">Which half of a pair the present escape is.</param>
/// <param name="Next">What follows the character.</param>
internal sealed record UnicodeEscape(int Digits, SurrogateHalf Half, TextState Next) : TextState
{
    private static readonly byte[] SecondEscape = [(byte)'\\', (byte)'u'];

    public override TextState? Inner => Next.Inner is { } inner ? this with { Next = inner } : null;

    public override TextState? Outer => Next.Outer;

    public override TextState? Advance(byte next)
    {
        if (!char.IsAsciiHexDigit((char)next) || !IsInHalf((byte)(next | 0x20)))
        {
            return null;
        }

        if (Digits < 3)
        {
            return this with { Digits = Digits + 1, Half = HalfAfter((byte)(next | 0x20)) };
        }

        return Half == SurrogateHalf.First ? TextLiteral.Create(SecondEscape, new UnicodeEscape(0, SurrogateHalf.Second, Next)) : Next;
    }

    // D800 to DBFF are first halves, DC00 to DFFF second ones.
    private bool IsInHalf(byte lower) => (Half, Digits) switch
    {
        (SurrogateHalf.Maybe, 1) => lower is not (>= (byte)'c' and <= (byte)'f'),
        (SurrogateHalf.Second, 0) => lower == 'd',
        (SurrogateHalf.Second, 1) => lower is >= (byte)'c' and <= (byte)'f',
        _ => true,
    };

    private SurrogateHalf HalfAfter(byte lower) => (Half, Digits) switch
    {
        (SurrogateHalf.None, 0) when lower == 'd' => SurrogateHalf.Maybe,
        (SurrogateHalf.Maybe, 1) =>
            lower is >= (byte)'8' and <= (byte)'9' or (byte)'a' or (byte)'b' ? SurrogateHalf.First : SurrogateHalf.None,
        _ => Half,
    };
}
