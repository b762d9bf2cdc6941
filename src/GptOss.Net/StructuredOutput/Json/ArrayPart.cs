namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Where in an array the text is.</summary>
internal enum ArrayPart
{
    Start,
    Opened,
    AfterItem,
}
