namespace GptOss.Net.StructuredOutput.Json;

/// <summary>A string of any characters, with bounds for its length in code points, as JSON Schema counts.</summary>
internal sealed class StringForm(int minLength, int? maxLength) : ValueForm
{
    public static readonly StringForm Any = new(0, null);

    private static readonly byte[] Quote = [(byte)'"'];

    // One character exactly is what a System.Char is, which holds none beyond U+FFFF.
    private readonly bool _isChar = minLength == 1 && maxLength == 1;

    public override TextState Start(TextState next, int depth) =>
        TextLiteral.Create(Quote, new StringText(minLength, maxLength ?? StringText.Unbounded, _isChar, next));
}
