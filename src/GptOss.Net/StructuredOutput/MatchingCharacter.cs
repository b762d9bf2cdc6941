using GptOss.Net.StructuredOutput.Json;

namespace GptOss.Net.StructuredOutput;

/// <summary>Within a character of several bytes, in a text that is followed character by character.</summary>
/// <param name="Text">The state before the character.</param>
/// <param name="Step">The bytes that complete the character.</param>
/// <param name="Bits">The bits of the character so far.</param>
internal sealed record MatchingCharacter(CharacterText Text, Utf8Step Step, int Bits) : TextState
{
    /// <summary>Begins or goes on with a character, if one that begins so may follow.</summary>
    public static TextState? Create(CharacterText text, Utf8Step step, int bits) =>
        text.HasNext(step.Range(bits)) ? new MatchingCharacter(text, step, bits) : null;

    public override TextState? Advance(byte next)
    {
        if (!Step.TryAdvance(next, out var step))
        {
            return null;
        }

        var bits = (Bits << 6) | (next & 0x3F);
        return step.IsComplete ? Text.After(bits) : Create(Text, step, bits);
    }
}
