namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>A character from one to another, both included.</summary>
internal sealed record LarkRange(int Low, int High, LarkPlace Place) : LarkExpression(Place);
