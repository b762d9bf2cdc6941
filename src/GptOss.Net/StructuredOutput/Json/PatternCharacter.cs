namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Within a character of several bytes, in a string that matches a pattern.</summary>
/// <param name="Text">The state before the character.</param>
/// <param name="Step">The bytes that complete the character.</param>
/// <param name="Bits">The bits of the character so far.</param>
internal sealed record PatternCharacter(PatternText Text, Utf8Step Step, int Bits) : TextState
{
    public override TextState? Inner => Text.Inner is PatternText inner ? this with { Text = inner } : null;

    public override TextState? Outer => Text.Outer;

    /// <summary>Begins a character, if one that begins so may follow.</summary>
    public static TextState? Create(PatternText text, byte lead) => Utf8Step.TryStart(lead, out var step)
        ? new PatternCharacter(text, step, lead & (0x3F >> step.More)).IfPossible()
        : null;

    public override TextState? Advance(byte next)
    {
        if (!Step.TryAdvance(next, out var step))
        {
            return null;
        }

        var bits = (Bits << 6) | (next & 0x3F);
        return step.IsComplete ? Text.After(bits) : new PatternCharacter(Text, step, bits).IfPossible();
    }

    private PatternCharacter? IfPossible() => Text.Pattern.HasNext(Text.State, Step.Range(Bits)) ? this : null;
}
