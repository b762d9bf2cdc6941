namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Within a string: so many characters are needed, so many may come.</summary>
/// <param name="Needed">How many characters must still come.</param>
/// <param name="Remaining">How many may still come.</param>
/// <param name="IsChar">Whether characters beyond U+FFFF, and escapes that may become one, are left out.</param>
/// <param name="Next">What follows the string.</param>
internal sealed record StringText(int Needed, int Remaining, bool IsChar, TextState Next) : TextState
{
    /// <summary>The number of characters that may come, when there is no bound.</summary>
    public const int Unbounded = int.MaxValue;

    // More than the characters of any token: masks do not depend on counts beyond it.
    private const int BeyondAnyToken = 256;

    public override TextState? Inner => Next is TextEnd ? null : new StringText(
        Math.Min(Needed, BeyondAnyToken), Remaining > BeyondAnyToken ? Unbounded : Remaining, IsChar, TextEnd.Instance);

    public override TextState? Outer => Next;

    public override TextState? Advance(byte next) => next switch
    {
        (byte)'"' => Needed == 0 ? Next : null,
        < 0x20 => null,
        _ when Remaining == 0 => null,
        (byte)'\\' => new StringEscape(AfterOne(), IsChar),
        < 0x80 => AfterOne(),
        >= 0xF0 when IsChar => null,
        _ => Utf8Step.TryStart(next, out var step) ? new Utf8Text(step, AfterOne()) : null,
    };

    private StringText AfterOne() => Needed == 0 && Remaining == Unbounded
        ? this
        : this with { Needed = Math.Max(0, Needed - 1), Remaining = Remaining == Unbounded ? Unbounded : Remaining - 1 };
}
