namespace GptOss.Net.StructuredOutput.Json;

/// <summary>A number without bounds: any decimal, with fraction and exponent if it likes.</summary>
internal sealed class NumberForm : ValueForm
{
    public static readonly NumberForm Any = new();

    private NumberForm()
    {
    }

    public override TextState Start(TextState next, int depth) => new NumberText(NumberPart.Start, 0, next);
}
