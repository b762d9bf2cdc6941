using GptOss.Net.StructuredOutput.Json;
using GptOss.Net.StructuredOutput.Patterns;

namespace GptOss.Net.StructuredOutput;

/// <summary>Between the characters of a text that is followed character by character.</summary>
internal abstract record CharacterText : TextState
{
    public sealed override TextState? Advance(byte next) => next < 0x80
        ? After(next)
        : Utf8Step.TryStart(next, out var step) ? MatchingCharacter.Create(this, step, next & (0x3F >> step.More)) : null;

    /// <summary>Returns the state after a character, or null if it may not follow.</summary>
    public abstract CharacterText? After(int character);

    /// <summary>Whether some character of a range may follow.</summary>
    public abstract bool HasNext(CharacterRange range);
}
