namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>A fixed text.</summary>
internal sealed record LarkLiteral(string Text, bool IgnoresCase, LarkPlace Place) : LarkExpression(Place);
