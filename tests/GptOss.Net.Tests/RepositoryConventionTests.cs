using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace GptOss.Net.Tests;

/// <summary>The rules of this repository that no analyzer knows.</summary>
public sealed partial class RepositoryConventionTests
{
    private const int MaxFileLines = 300;
    private const int MaxLineLength = 140;

    // A folder may use only the folders to its right: the request's path is also the dependency order. Files beside the
    // folders are the public face, and GptOss.Net.Harmony is a package of its own, which anything may use.
    private static readonly string[] Order =
    [
        "Chat", "StructuredOutput", "Engine", "Scheduling", "Execution", "Sampling", "KVCache",
        "Placement", "Model", "Hub", "Checkpoint", "Quantization", "Interop",
    ];

    private static readonly string SourceRoot = FindSourceRoot();

    [Fact]
    public void Source_files_stay_small() =>
        SourceFiles().Where(file => File.ReadLines(file).Count() > MaxFileLines).Should().BeEmpty();

    [Fact]
    public void Lines_are_short()
    {
        var violations =
            from file in AllFiles().Concat(AllFiles("*.cu"))
            from line in File.ReadLines(file).Index()
            where line.Item.Length > MaxLineLength
            select $"{Path.GetRelativePath(SourceRoot, file)}:{line.Index + 1}";

        violations.Should().BeEmpty();
    }

    // The build does not look at their order.
    [Fact]
    public void Using_directives_stand_in_their_order()
    {
        var violations =
            from file in AllFiles()
            let directives = File.ReadLines(file).Select(line => Directive().Match(line)).Where(match => match.Success).ToArray()
            let ordered = directives
                .OrderBy(match => match.Groups["alias"].Success)
                .ThenBy(match => match.Groups["static"].Success)
                .ThenByDescending(match => match.Groups["name"].Value.Split('.')[0] is "System")
                .ThenBy(match => match.Groups["name"].Value, StringComparer.OrdinalIgnoreCase)
            where !directives.SequenceEqual(ordered)
            select Path.GetRelativePath(SourceRoot, file);

        violations.Should().BeEmpty();
    }

    // The generator of log methods writes classes in any order: a second one in an assembly, and a build gives other bytes each time.
    [Fact]
    public void Log_methods_of_an_assembly_are_in_one_class() =>
        SourceFiles().Where(file => File.ReadAllText(file).Contains("[LoggerMessage(", StringComparison.Ordinal))
            .Select(file => Path.GetRelativePath(SourceRoot, file).Replace('\\', '/'))
            .Should().BeEquivalentTo("GptOss.Net/Log.cs", "GptOss.Net.AspNetCore/Log.cs");

    [Fact]
    public void Source_files_have_no_regions() =>
        SourceFiles().Where(file => Region().IsMatch(File.ReadAllText(file))).Should().BeEmpty();

    [Fact]
    public void Folders_are_those_of_the_order() =>
        Directory.EnumerateDirectories(Path.Combine(SourceRoot, "GptOss.Net")).Select(folder => Path.GetFileName(folder))
            .Except(["bin", "obj", .. Order], StringComparer.Ordinal).Should().BeEmpty();

    [Fact]
    public void Folders_depend_in_one_direction()
    {
        var violations =
            from file in SourceFiles()
            let folder = Array.IndexOf(Order, TopFolder(file))
            where folder >= 0
            from Match mention in Mention().Matches(File.ReadAllText(file))
            let target = Array.IndexOf(Order, mention.Groups[1].Value)
            where target >= 0 && target < folder
            select $"{Path.GetRelativePath(SourceRoot, file)}: {mention.Value}";

        violations.Should().BeEmpty();
    }

    [Fact]
    public void Folders_use_what_the_document_draws()
    {
        var document = File.ReadAllText(Path.Combine(SourceRoot, "../docs/architecture.md"));
        var drawn = DrawnFolders().Match(document).Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(
                line => string.Join(
                    ' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal).Prepend(line.Split(' ')[0])));
        var files = SourceFiles().Select(file => (Folder: FolderOf(file), Text: File.ReadAllText(file)))
            .Where(file => file.Folder.Length > 0).ToArray();
        var folders = files.Select(file => file.Folder).ToHashSet(StringComparer.Ordinal);
        var used =
            from file in files
            group file by file.Folder into folder
            let uses = folder.SelectMany(file => Using().Matches(file.Text)).Select(match => match.Groups[1].Value)
                .Where(use => folders.Contains(use) && !$"{folder.Key}.".StartsWith($"{use}.", StringComparison.Ordinal))
            select string.Join(
                ' ', uses.Append(folder.Key).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Prepend(folder.Key));

        drawn.Should().BeEquivalentTo(used);
    }

    [Fact]
    public void Each_package_has_a_readme_of_its_own_without_relative_links()
    {
        foreach (var project in Directory.GetFiles(SourceRoot, "*.csproj", SearchOption.AllDirectories))
        {
            var readme = File.ReadAllText(Path.Combine(Path.GetDirectoryName(project)!, "README.md"));

            readme.Should().StartWith($"# {Path.GetFileNameWithoutExtension(project)}\n");
            RelativeLink().IsMatch(readme).Should().BeFalse();
        }
    }

    [Fact]
    public void Namespaces_are_the_folders()
    {
        var violations =
            from file in SourceFiles()
            let project = Path.GetRelativePath(SourceRoot, file).Split(Path.DirectorySeparatorChar)[0]
            where string.Equals(project, "GptOss.Net", StringComparison.Ordinal)
            let folder = Path.GetDirectoryName(Path.GetRelativePath(SourceRoot, file))!.Replace(Path.DirectorySeparatorChar, '.')
            where !File.ReadAllText(file).Contains($"\nnamespace {folder};\n", StringComparison.Ordinal)
                && !File.ReadAllText(file).StartsWith($"namespace {folder};\n", StringComparison.Ordinal)
            select Path.GetRelativePath(SourceRoot, file);

        violations.Should().BeEmpty();
    }

    private static IEnumerable<string> AllFiles(string pattern = "*.cs")
    {
        var root = Path.GetFullPath(Path.Combine(SourceRoot, ".."));
        string[] folders = ["src", "tests", "benchmarks", "samples", "tools", "templates", "eng"];
        return folders.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(root, folder), pattern, SearchOption.AllDirectories))
            .Where(file => !Generated().IsMatch(Path.GetRelativePath(root, file)));
    }

    private static IEnumerable<string> SourceFiles() =>
        Directory.EnumerateFiles(SourceRoot, "*.cs", SearchOption.AllDirectories)
            .Where(file => !Generated().IsMatch(Path.GetRelativePath(SourceRoot, file)));

    /// <summary>The folder below the project, or the file's name when it lies beside the folders.</summary>
    private static string TopFolder(string file) =>
        Path.GetRelativePath(SourceRoot, file).Split(Path.DirectorySeparatorChar)[1];

    private static string FindSourceRoot([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../src"));

    /// <summary>A file's folder in the library as a namespace below its root; empty beside the folders and in other projects.</summary>
    private static string FolderOf(string file)
    {
        var parts = Path.GetRelativePath(SourceRoot, file).Split(Path.DirectorySeparatorChar);
        return string.Equals(parts[0], "GptOss.Net", StringComparison.Ordinal) ? string.Join('.', parts[1..^1]) : "";
    }

    [GeneratedRegex("```folders\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex DrawnFolders();

    [GeneratedRegex(@"^using (?<static>static )?(?<name>[\w.]+)(?<alias> = [^;(]+)?;")]
    private static partial Regex Directive();

    [GeneratedRegex(@"^using (?:static )?GptOss\.Net\.([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex Using();

    // A using directive, or a qualified name in code or in documentation.
    [GeneratedRegex(@"\]\((?!https?://|#)", RegexOptions.CultureInvariant)]
    private static partial Regex RelativeLink();

    [GeneratedRegex(@"(?<!namespace )GptOss\.Net\.(\w+)")]
    private static partial Regex Mention();

    [GeneratedRegex(@"^\s*#\s*region", RegexOptions.Multiline)]
    private static partial Regex Region();

    [GeneratedRegex(@"(^|[\\/])(obj|bin)[\\/]")]
    private static partial Regex Generated();
}
