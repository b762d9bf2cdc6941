namespace GptOss.Net.StructuredOutput.Json;

/// <summary>A number of any size that a 64-bit type holds.</summary>
internal sealed class NumberForm : ValueForm
{
    /// <summary>A whole number of up to 18 digits.</summary>
    public static readonly NumberForm Integer = new(isInteger: true);

    /// <summary>A number, with fraction and exponent if it likes.</summary>
    public static readonly NumberForm Number = new(isInteger: false);

    private readonly bool _isInteger;

    private NumberForm(bool isInteger) => _isInteger = isInteger;

    public override TextState Start(TextState next, int depth) => new NumberText(NumberPart.Start, 0, _isInteger, next);
}
