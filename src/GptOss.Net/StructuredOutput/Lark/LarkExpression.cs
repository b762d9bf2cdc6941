namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>What stands on the right of a colon, or a part of it.</summary>
/// <param name="Place">Where it begins.</param>
internal abstract record LarkExpression(LarkPlace Place);
