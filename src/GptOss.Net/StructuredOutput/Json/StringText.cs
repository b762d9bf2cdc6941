namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Within a string: so many characters are needed, so many may come.</summary>
internal sealed record StringText(int Needed, int Remaining, TextState Next) : TextState
{
    /// <summary>The number of characters that may come, when there is no bound.</summary>
    public const int Unbounded = int.MaxValue;

    // More than the characters of any token: masks do not depend on counts beyond it.
    private const int BeyondAnyToken = 256;

    public override TextState? Inner => Next is TextEnd ? null : new StringText(
        Math.Min(Needed, BeyondAnyToken), Remaining > BeyondAnyToken ? Unbounded : Remaining, TextEnd.Instance);

    public override TextState? Outer => Next;

    public override TextState? Advance(byte next) => next switch
    {
        (byte)'"' => Needed == 0 ? Next : null,
        (byte)'\\' => Remaining > 0 ? new StringEscape(After(1)) : null,
        < 0x20 => null,
        < 0x80 => Remaining > 0 ? After(1) : null,
        _ => Character(next),
    };

    // Whether characters beyond U+FFFF count once, as in JSON Schema, or twice, as in .NET: the bounds are kept either way.
    private Utf8Text? Character(byte lead)
    {
        var units = lead >= 0xF0 ? 2 : 1;
        return Remaining >= units && Utf8Step.TryStart(lead, out var step) ? new Utf8Text(step, After(units)) : null;
    }

    private StringText After(int units) => Needed == 0 && Remaining == Unbounded
        ? this
        : new StringText(Math.Max(0, Needed - 1), Remaining == Unbounded ? Unbounded : Remaining - units, Next);
}
