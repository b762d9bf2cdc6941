namespace GptOss.Net.StructuredOutput.Json;

/// <summary>After a backslash in a string that matches a pattern.</summary>
internal sealed record PatternEscape(PatternText Text) : TextState
{
    private const string Escapes = "\"\\/bfnrt";
    private const string Characters = "\"\\/\b\f\n\r\t";

    public override TextState? Inner => Text.Inner is PatternText inner ? new PatternEscape(inner) : null;

    public override TextState? Outer => Text.Outer;

    /// <summary>Whether some character may follow; any can be written as an escape.</summary>
    public static bool CanFollow(PatternText text) => PatternUnicodeEscape.Create(text) is not null;

    public override TextState? Advance(byte next) =>
        next == 'u' ? PatternUnicodeEscape.Create(Text)
        : Escapes.IndexOf((char)next, StringComparison.Ordinal) is var index and >= 0 ? Text.After(Characters[index])
        : null;
}
