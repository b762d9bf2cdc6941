namespace GptOss.Net.StructuredOutput.Json;

/// <summary>A string of any characters, with bounds for its length.</summary>
internal sealed class StringForm(int minLength, int? maxLength) : ValueForm
{
    public static readonly StringForm Any = new(0, null);

    public override TextState Start(TextState next, int depth) =>
        TextLiteral.Create(Quote, new StringText(minLength, maxLength ?? StringText.Unbounded, next));

    private static readonly byte[] Quote = [(byte)'"'];
}
