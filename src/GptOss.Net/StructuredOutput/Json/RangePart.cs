namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Where in a bounded number the text is.</summary>
internal enum RangePart
{
    Start,
    Sign,
    Zero,
    Whole,
    Fraction,
}
