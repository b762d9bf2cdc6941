using GptOss.Net.StructuredOutput.Json;
using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput;

/// <summary>Between the characters of a text that matches a pattern and stands by itself, without escapes.</summary>
internal sealed record MatchingText(PatternAutomaton Pattern, int State) : TextState
{
    public override bool IsAccepting => Pattern.IsAccepting(State);

    public override bool MustEnd => Pattern.Steps(State).Length == 0;

    public override TextState? Advance(byte next) => next < 0x80
        ? After(next)
        : Utf8Step.TryStart(next, out var step) ? MatchingCharacter.Create(this, step, next & (0x3F >> step.More)) : null;

    /// <summary>Returns the state after a character, or null if it may not follow.</summary>
    public MatchingText? After(int character) => Pattern.Next(State, character) is var state and >= 0 ? this with { State = state } : null;
}
