namespace GptOss.Net.StructuredOutput.Json;

/// <summary>At most one space, and then something else. There is no other white space in the JSON that is generated.</summary>
internal sealed record SpacedText(TextState Next) : TextState
{
    public override TextState? Advance(byte next) => next == ' ' ? Next : Next.Advance(next);
}
