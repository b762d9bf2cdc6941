using System.Text.RegularExpressions;

namespace GptOss.Net.Recipes.Tests;

/// <summary>The documents of the repository.</summary>
internal static partial class Documents
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The paths of all documents, from the root.</summary>
    public static IEnumerable<string> All() => Directory.EnumerateFiles(Root, "*.md")
        .Concat(Directory.EnumerateFiles(Path.Combine(Root, "docs"), "*.md"))
        .Concat(
            Directory.EnumerateDirectories(Path.Combine(Root, "src")).Select(folder => Path.Combine(folder, "README.md"))
                .Where(File.Exists))
        .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'));

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path)).ReplaceLineEndings("\n");

    /// <summary>The blocks of C#, each with what a comment above it says that is given.</summary>
    public static IEnumerable<(int Line, string Given, string Code)> Code(string markdown)
    {
        foreach (Match block in CodeBlock().Matches(markdown))
        {
            yield return (markdown[..block.Index].Count(letter => letter == '\n') + 1, block.Groups[1].Value, block.Groups[2].Value);
        }
    }

    /// <summary>The text without code, neither in blocks nor between backticks.</summary>
    public static string Prose(string markdown) => Span().Replace(AnyBlock().Replace(markdown, ""), "");

    /// <summary>The headings' levels.</summary>
    public static IEnumerable<int> HeadingLevels(string markdown) =>
        Heading().Matches(AnyBlock().Replace(markdown, "")).Select(match => match.Groups[1].Length);

    /// <summary>The anchors of the headings, as GitHub names them.</summary>
    public static IEnumerable<string> Anchors(string markdown) => Heading().Matches(AnyBlock().Replace(markdown, ""))
        .Select(match => NoAnchor().Replace(match.Groups[2].Value.Trim().ToLowerInvariant(), "").Replace(' ', '-'));

    /// <summary>All blocks of code, whatever the language.</summary>
    public static IEnumerable<string> Blocks(string markdown) => AnyBlock().Matches(markdown).Select(match => match.Value);

    /// <summary>Where the links lead.</summary>
    public static IEnumerable<string> Links(string markdown) =>
        Link().Matches(AnyBlock().Replace(markdown, "")).Select(match => match.Groups[1].Value);

    [GeneratedRegex(@"(?:<!-- given: ([^\n]*?) -->\n)?```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex("`[^`\n]*`")]
    private static partial Regex Span();

    [GeneratedRegex("```.*?```", RegexOptions.Singleline)]
    private static partial Regex AnyBlock();

    [GeneratedRegex(@"^(#+) (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\p{L}\p{N} _-]")]
    private static partial Regex NoAnchor();

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "GptOss.Net.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("The tests run outside of the repository.");
        }

        return folder.FullName;
    }
}
