using System.Text.RegularExpressions;

namespace DemoModelTrainer.Corpus;

/// <summary>
/// Text with choices and placeholders: <c>(a|b|)</c> draws one of its parts, <c>{column}</c> takes a table's value.
/// Parentheses without a bar and braces around anything but a name are plain text.
/// </summary>
internal static partial class TextTemplate
{
    public static string Expand(string template, Random random) =>
        Choice().Replace(template, match => Draw(match.Groups[1].Value.Split('|'), random));

    public static string Fill(string template, IReadOnlyDictionary<string, string> values) =>
        Placeholder().Replace(template, match => values[match.Groups[1].Value]);

    private static string Draw(string[] parts, Random random) => parts[random.Next(parts.Length)];

    [GeneratedRegex(@"\(([^()]*\|[^()]*)\)")]
    private static partial Regex Choice();

    [GeneratedRegex(@"\{([A-Za-z]+(?:\.[A-Za-z]+)?)\}")]
    private static partial Regex Placeholder();
}
