namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>The same several times.</summary>
/// <param name="Item">What is repeated.</param>
/// <param name="Least">The least number of times.</param>
/// <param name="Most">The greatest number of times; null if there is no bound.</param>
/// <param name="Place">Where it begins.</param>
internal sealed record LarkRepeat(LarkExpression Item, int Least, int? Most, LarkPlace Place) : LarkExpression(Place);
