namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>One after the other; none is the empty text.</summary>
internal sealed record LarkSequence(IReadOnlyList<LarkExpression> Items, LarkPlace Place) : LarkExpression(Place);
