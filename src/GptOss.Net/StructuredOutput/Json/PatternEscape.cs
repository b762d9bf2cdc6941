namespace GptOss.Net.StructuredOutput.Json;

/// <summary>After a backslash in a string that matches a pattern. Only what needs an escape is escaped.</summary>
internal sealed record PatternEscape(PatternText Text) : TextState
{
    private const string Escapes = "\"\\bfnrt";
    private const string Characters = "\"\\\b\f\n\r\t";

    public override TextState? Inner => Text.Inner is PatternText inner ? new PatternEscape(inner) : null;

    public override TextState? Outer => Text.Outer;

    /// <summary>Whether some character that needs an escape may follow.</summary>
    public static bool CanFollow(PatternText text) => Characters.Any(character => text.After(character) is not null);

    public override TextState? Advance(byte next) =>
        Escapes.IndexOf((char)next, StringComparison.Ordinal) is var index and >= 0 ? Text.After(Characters[index]) : null;
}
