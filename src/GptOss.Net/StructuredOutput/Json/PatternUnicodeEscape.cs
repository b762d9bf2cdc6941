using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>
/// Within <c>\uXXXX</c> in a string that matches a pattern; two of them where the first is half of a surrogate pair. Only digits that lead
/// to a character that may follow.
/// </summary>
/// <param name="Text">The state before the character.</param>
/// <param name="High">The first half of a pair; 0 if there is none.</param>
/// <param name="Digits">How many digits the present escape has so far.</param>
/// <param name="Bits">Their value.</param>
internal sealed record PatternUnicodeEscape(PatternText Text, int High, int Digits, int Bits) : TextState
{
    private const int AllDigits = 4;
    private const int FirstHigh = 0xD800;
    private const int FirstLow = 0xDC00;
    private const int LastLow = 0xDFFF;
    private const int FirstOfPairs = 0x10000;
    private const int LowHalves = 0x400;

    private static readonly byte[] SecondEscape = [(byte)'\\', (byte)'u'];

    public override TextState? Inner => Text.Inner is PatternText inner ? this with { Text = inner } : null;

    public override TextState? Outer => Text.Outer;

    /// <summary>Begins an escape, if some character may follow.</summary>
    public static PatternUnicodeEscape? Create(PatternText text) => new PatternUnicodeEscape(text, 0, 0, 0).IfPossible();

    public override TextState? Advance(byte next)
    {
        if (!char.IsAsciiHexDigit((char)next))
        {
            return null;
        }

        var bits = (Bits << 4) | (next <= '9' ? next - '0' : (next | 0x20) - 'a' + 10);
        return Digits + 1 < AllDigits ? (this with { Digits = Digits + 1, Bits = bits }).IfPossible()
            : High != 0 ? bits is >= FirstLow and <= LastLow ? Text.After(Pair(High, bits)) : null
            : bits is < FirstHigh or > LastLow ? Text.After(bits)
            : bits >= FirstLow || new PatternUnicodeEscape(Text, bits, 0, 0).IfPossible() is not { } second ? null
            : TextLiteral.Create(SecondEscape, second);
    }

    private PatternUnicodeEscape? IfPossible()
    {
        var open = 4 * (AllDigits - Digits);
        var (low, high) = (Bits << open, ((Bits + 1) << open) - 1);
        var isPossible = High != 0
            ? HasNext(Pair(High, Math.Max(low, FirstLow)), Pair(High, Math.Min(high, LastLow)))
            : HasNext(low, Math.Min(high, FirstHigh - 1))
                || HasNext(Math.Max(low, LastLow + 1), high)
                || HasNext(Pair(Math.Max(low, FirstHigh), FirstLow), Pair(Math.Min(high, FirstLow - 1), LastLow));
        return isPossible ? this : null;
    }

    private bool HasNext(int low, int high) => low <= high && Text.Pattern.HasNext(Text.State, new CharacterRange(low, high));

    private static int Pair(int high, int low) => FirstOfPairs + ((high - FirstHigh) * LowHalves) + (low - FirstLow);
}
