namespace GptOss.Net.StructuredOutput.Json;

/// <summary>What of a number was written last.</summary>
internal enum NumberPart
{
    Start,
    Sign,
    Zero,
    Digit,
    Point,
    FractionDigit,
    Exponent,
    ExponentSign,
    ExponentDigit,
}
