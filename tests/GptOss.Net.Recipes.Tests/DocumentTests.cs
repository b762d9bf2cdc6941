namespace GptOss.Net.Recipes.Tests;

/// <summary>What the documents show compiles, where they point to is there, and the READMEs say the same.</summary>
public sealed class DocumentTests
{
    // What people find in a package beside its code.
    private static readonly string[] Outside = ["https://", "http://127.0.0.1", "http://localhost"];

    public static TheoryData<string> All => [.. Documents.All()];

    [Theory]
    [MemberData(nameof(All))]
    public void Code_compiles(string path)
    {
        foreach (var (line, given, code) in Documents.Code(Documents.Read(path)))
        {
            DocumentCompiler.Errors(given, code).Should().BeEmpty("of {0}, line {1}:\n{2}", path, line, code);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Links_lead_somewhere(string path)
    {
        var text = Documents.Read(path);
        foreach (var link in Documents.Links(text).Where(link => !Outside.Any(start => link.StartsWith(start, StringComparison.Ordinal))))
        {
            var (file, anchor) = link.Split('#') is [var name, var heading] ? (name, heading) : (link, null);
            var target = file.Length == 0 ? path : Path.Combine(Path.GetDirectoryName(path)!, file);
            var full = Path.Combine(Documents.Root, target);
            (File.Exists(full) || Directory.Exists(full)).Should().BeTrue("{0} points to {1}", path, link);
            if (anchor is not null)
            {
                Documents.Anchors(Documents.Read(target)).Should().Contain(anchor, "{0} points to {1}", path, link);
            }
        }
    }

    [Fact]
    public void Every_document_is_on_the_readers_path() =>
        Directory.EnumerateFiles(Path.Combine(Documents.Root, "docs"), "*.md").Select(Path.GetFileName).Where(name => name != "README.md")
            .Should().BeSubsetOf(Documents.Links(Documents.Read("docs/README.md")));

    [Fact]
    public void Both_readmes_say_the_same()
    {
        var (english, chinese) = (Documents.Read("README.md"), Documents.Read("README.zh-CN.md"));

        Documents.HeadingLevels(chinese).Should().Equal(Documents.HeadingLevels(english));
        Documents.Blocks(chinese).Should().Equal(Documents.Blocks(english));
        Rows(chinese).Should().Equal(Rows(english), "tables have the same rows");
        Documents.Links(chinese).Distinct().Except(["README.md"]).Should().BeEquivalentTo(Documents.Links(english).Distinct().Except(["README.zh-CN.md"]));

        static int[] Rows(string markdown) => [.. markdown.Split("\n\n").Where(part => part.StartsWith('|')).Select(part => part.Trim().Split('\n').Length)];
    }
}
