using System.Text.RegularExpressions;

namespace GptOss.Net.TestUtils;

/// <summary>The C# code of a document beside the code that is compiled.</summary>
internal static partial class DocumentCode
{
    /// <summary>The paragraphs of a document's code that stand nowhere in a source file; indentation does not count.</summary>
    /// <param name="markdown">The document.</param>
    /// <param name="source">The source file.</param>
    /// <param name="least">How many pieces of code the document has at least.</param>
    public static IReadOnlyList<string> Missing(string markdown, string source, int least = 4)
    {
        var compiled = Normal(source);
        var blocks = CodeBlock().Matches(markdown).Select(match => match.Groups[1].Value).ToArray();
        blocks.Should().HaveCountGreaterThanOrEqualTo(least);
        return [.. blocks.SelectMany(block => block.Split("\n\n"))
            .Where(paragraph => !compiled.Contains(Normal(paragraph), StringComparison.Ordinal))];
    }

    private static string Normal(string code) =>
        "\n" + string.Join('\n', code.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0)) + "\n";

    [GeneratedRegex(@"```csharp\r?\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
