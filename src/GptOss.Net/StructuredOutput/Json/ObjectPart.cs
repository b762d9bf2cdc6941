namespace GptOss.Net.StructuredOutput.Json;

/// <summary>Where in an object the text is.</summary>
internal enum ObjectPart
{
    Start,
    Opened,
    AfterValue,
    BeforeName,
}
