namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>A text that matches a regular expression as a whole.</summary>
/// <param name="Pattern">The expression.</param>
/// <param name="IgnoresCase">Whether a letter stands for itself in either case.</param>
/// <param name="DotIsAny">Whether a full stop stands for the end of a line, too.</param>
/// <param name="Place">Where it begins.</param>
internal sealed record LarkPattern(string Pattern, bool IgnoresCase, bool DotIsAny, LarkPlace Place) : LarkExpression(Place);
