using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Between the characters of a string that matches a pattern.</summary>
internal sealed record PatternText(PatternAutomaton Pattern, int State, TextState Next) : TextState
{
    public override TextState? Inner => Next is TextEnd ? null : this with { Next = TextEnd.Instance };

    public override TextState? Outer => Next;

    public override TextState? Advance(byte next) => next switch
    {
        (byte)'"' => Pattern.IsAccepting(State) ? Next : null,
        (byte)'\\' => PatternEscape.CanFollow(this) ? new PatternEscape(this) : null,
        < 0x20 => null,
        < 0x80 => After(next),
        _ => PatternCharacter.Create(this, next),
    };

    /// <summary>Returns the state after a character, or null if it may not follow.</summary>
    public PatternText? After(int character) => Pattern.Next(State, character) switch
    {
        < 0 => null,
        var state when state == State => this,
        var state => new PatternText(Pattern, state, Next),
    };
}
