namespace GptOss.Net.StructuredOutput.Json;

/// <summary>
/// Between the properties of an object. Declared properties from <paramref name="First"/> on may still come;
/// <paramref name="Depth"/> levels were left before the object.
/// </summary>
internal sealed record ObjectText(ObjectForm Form, ObjectPart Part, int First, int Depth, TextState Next) : TextState
{
    public override TextState? Advance(byte next) => (Part, next) switch
    {
        (ObjectPart.Start, (byte)'{') => this with { Part = ObjectPart.Opened },
        (ObjectPart.Opened or ObjectPart.AfterValue, (byte)'}') when Form.CanEnd(First) => Next,
        (ObjectPart.Opened or ObjectPart.BeforeName, (byte)'"') => Name(),
        (ObjectPart.AfterValue, (byte)',') when Form.CanContinue(First, Depth - 1) =>
            new SpacedText(this with { Part = ObjectPart.BeforeName }),
        _ => null,
    };

    private TextState? Name()
    {
        var names = Form.Names.All;
        var declared = Form.CanName(names, First, Depth - 1) ? new NameText(names, this) : null;
        return TextChoice.Create([declared, .. Form.OtherNameStarts(this)]);
    }
}
