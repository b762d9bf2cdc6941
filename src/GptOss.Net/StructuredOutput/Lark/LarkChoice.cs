namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>One of several.</summary>
internal sealed record LarkChoice(IReadOnlyList<LarkExpression> Alternatives, LarkPlace Place) : LarkExpression(Place);
