namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Between the items of an array; <paramref name="Depth"/> levels were left before it.</summary>
internal sealed record ArrayText(ArrayForm Form, ArrayPart Part, int Count, int Depth, TextState Next) : TextState
{
    public override TextState? Advance(byte next) => (Part, next) switch
    {
        (ArrayPart.Start, (byte)'[') => this with { Part = ArrayPart.Opened },
        (ArrayPart.Start, _) => null,
        (_, (byte)']') when Count >= Form.MinItems => Next,
        (ArrayPart.Opened, _) => Item()?.Advance(next),
        (ArrayPart.AfterItem, (byte)',') => Item() is { } item ? new SpacedText(item) : null,
        _ => null,
    };

    private TextState? Item() => Form.CanHold(Count, Depth - 1)
        ? Form.Item(Count)!.Start(this with { Part = ArrayPart.AfterItem, Count = Form.Saturate(Count + 1) }, Depth - 1)
        : null;
}
