namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Within the four digits after <c>\u</c>. Surrogates are left out: halves of characters must not come alone.</summary>
internal sealed record UnicodeEscape(int Digits, bool MayBeSurrogate, TextState Next) : TextState
{
    public override TextState? Inner => Next.Inner is { } inner ? this with { Next = inner } : null;

    public override TextState? Outer => Next.Outer;

    public override TextState? Advance(byte next)
    {
        if (!char.IsAsciiHexDigit((char)next) || (MayBeSurrogate && !(next >= '0' && next <= '7')))
        {
            return null;
        }

        return Digits == 1 ? Next : new UnicodeEscape(Digits - 1, Digits == 4 && next is (byte)'d' or (byte)'D', Next);
    }
}
