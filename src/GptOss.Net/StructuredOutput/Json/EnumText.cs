namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Within one of several fixed texts.</summary>
internal sealed record EnumText(SortedTextsRange Range, TextState Next) : TextState
{
    public override bool IsAccepting => Range.HasEnd && Next.IsAccepting;

    public override TextState? Advance(byte next)
    {
        var narrowed = Range.Advance(next);
        var inside = narrowed switch
        {
            { IsEmpty: true } => null,
            { HasEnd: true, Count: 1 } => Next,
            _ => this with { Range = narrowed },
        };
        return Range.HasEnd ? TextChoice.Create([inside, Next.Advance(next)]) : inside;
    }
}
