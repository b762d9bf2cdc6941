namespace GptOss.Net.StructuredOutput.Json;

/// <summary>After a backslash in a string.</summary>
internal sealed record StringEscape(TextState Next) : TextState
{
    public override TextState? Inner => Next.Inner is { } inner ? new StringEscape(inner) : null;

    public override TextState? Outer => Next.Outer;

    public override TextState? Advance(byte next) => next switch
    {
        (byte)'"' or (byte)'\\' or (byte)'/' or (byte)'b' or (byte)'f' or (byte)'n' or (byte)'r' or (byte)'t' => Next,
        (byte)'u' => new UnicodeEscape(4, MayBeSurrogate: false, Next),
        _ => null,
    };
}
