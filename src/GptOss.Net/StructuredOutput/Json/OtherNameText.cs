namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Within a name that must not be one of the declared ones. It has no escapes, so each name has one spelling.</summary>
/// <param name="Declared">The declared names that begin like this one.</param>
/// <param name="Step">The bytes that complete a character.</param>
/// <param name="Next">What follows the name.</param>
internal sealed record OtherNameText(SortedTextsRange Declared, Utf8Step Step, TextState Next) : TextState
{
    public override TextState? Inner =>
        Declared.IsEmpty && Next is not TextEnd ? new OtherNameText(default, Step, TextEnd.Instance) : null;

    public override TextState? Outer => Next;

    public override TextState? Advance(byte next)
    {
        if (!Step.IsComplete)
        {
            return Step.TryAdvance(next, out var step) ? To(next, step) : null;
        }

        return next switch
        {
            (byte)'"' => Declared.Advance(next).IsEmpty ? Next : null,
            (byte)'\\' or < 0x20 => null,
            < 0x80 => To(next, default),
            _ => Utf8Step.TryStart(next, out var started) ? To(next, started) : null,
        };
    }

    private OtherNameText To(byte next, Utf8Step step)
    {
        var declared = Declared.IsEmpty ? default : Declared.Advance(next);
        return declared == Declared && step == Step ? this : new OtherNameText(declared, step, Next);
    }
}
