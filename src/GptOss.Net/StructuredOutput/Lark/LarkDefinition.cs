namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>A rule or a terminal: its name, and what it stands for.</summary>
internal sealed record LarkDefinition(string Name, LarkExpression Expression, LarkPlace Place);
