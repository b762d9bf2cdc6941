namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Within a character of several bytes.</summary>
internal sealed record Utf8Text(Utf8Step Step, TextState Next) : TextState
{
    public override TextState? Inner => Next.Inner is { } inner ? new Utf8Text(Step, inner) : null;

    public override TextState? Outer => Next.Outer;

    public override TextState? Advance(byte next) => !Step.TryAdvance(next, out var step)
        ? null
        : step.IsComplete ? Next : new Utf8Text(step, Next);
}
