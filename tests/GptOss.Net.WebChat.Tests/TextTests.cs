using System.Text.RegularExpressions;

namespace GptOss.Net.WebChat.Tests;

/// <summary>What can be told from the page's files alone.</summary>
public sealed partial class TextTests
{
    private static readonly string Scripts = Path.Combine(AppContext.BaseDirectory, "wwwroot", "js");

    [Fact]
    public void Both_languages_have_the_same_texts() => Keys("zh-CN").Should().BeEquivalentTo(Keys("en"));

    [Fact]
    public void Every_text_that_is_used_exists()
    {
        var used = Directory.GetFiles(Scripts, "*.js").SelectMany(file => UsedKey().Matches(File.ReadAllText(file)))
            .Select(match => match.Groups[1].Value);

        used.Except(Keys("en"), StringComparer.Ordinal).Should().BeEmpty();
    }

    [Fact]
    public void The_page_has_no_inline_script_and_names_no_other_host()
    {
        var html = File.ReadAllText(Path.Combine(Scripts, "..", "index.html"));

        InlineScript().IsMatch(html).Should().BeFalse();
        html.Should().NotContain("://");
    }

    private static IEnumerable<string> Keys(string language) =>
        Key().Matches(File.ReadAllText(Path.Combine(Scripts, "i18n", language + ".js"))).Select(match => match.Groups[1].Value);

    [GeneratedRegex("""(?:^|[,{]) *(\w+): "(?=[^"]*")""", RegexOptions.Multiline)]
    private static partial Regex Key();

    [GeneratedRegex("""\bt\("(\w+)"[,)]""")]
    private static partial Regex UsedKey();

    [GeneratedRegex("""<script(?![^>]*src=)|\son\w+=""")]
    private static partial Regex InlineScript();
}
