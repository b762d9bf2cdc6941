namespace GptOss.Net.StructuredOutput.Lark;

/// <summary>What the rule or the terminal of this name stands for.</summary>
internal sealed record LarkName(string Name, LarkPlace Place) : LarkExpression(Place)
{
    /// <summary>Whether it is a terminal's: its first letter is a capital.</summary>
    public bool IsTerminal => IsTerminalName(Name);

    public static bool IsTerminalName(string name) => name.TrimStart('_') is [>= 'A' and <= 'Z', ..];
}
