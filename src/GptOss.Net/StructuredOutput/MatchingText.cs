using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput;

/// <summary>Between the characters of a text that matches a pattern and stands by itself, without escapes.</summary>
internal sealed record MatchingText(PatternAutomaton Pattern, int State) : CharacterText
{
    public override bool IsAccepting => Pattern.IsAccepting(State);

    public override bool MustEnd => Pattern.Steps(State).Length == 0;

    public override MatchingText? After(int character) =>
        Pattern.Next(State, character) is var state and >= 0 ? this with { State = state } : null;

    public override bool HasNext(CharacterRange range) => Pattern.HasNext(State, range);
}
