namespace GptOss.Net.StructuredOutput.Json;

/// <summary>After a backslash in a string.</summary>
/// <param name="Next">What follows the escaped character.</param>
/// <param name="IsChar">Whether the character must be one that UTF-16 writes as one unit.</param>
internal sealed record StringEscape(TextState Next, bool IsChar = false) : TextState
{
    public override TextState? Inner => Next.Inner is { } inner ? this with { Next = inner } : null;

    public override TextState? Outer => Next.Outer;

    public override TextState? Advance(byte next) => next switch
    {
        (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t' => Next,
        (byte)'u' when !IsChar => new UnicodeEscape(0, SurrogateHalf.None, Next),
        _ => null,
    };
}
