namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>A place in the text of a grammar; both numbers begin at 1.</summary>
internal readonly record struct LarkPlace(int Line, int Column);
