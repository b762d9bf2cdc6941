using System.Text;
using ConsoleChat;
using Spectre.Console;

namespace GptOss.Net.Tests.ConsoleChat;

/// <summary>Markdown in a terminal; in what is expected, b, i and c in angle brackets stand for bold, italics, code, q for grey.</summary>
public sealed class MarkdownWriterTests
{
    [Theory]
    [InlineData("plain text", "plain text")]
    [InlineData("**bold** and *thin* and `code`", "<b>bold<> and <i>thin<> and <c>code<>")]
    [InlineData("# A heading\ntext", "<b>A heading\n<>text")]
    [InlineData("- one\n- **two**\n  * three", "• one\n• <b>two<>\n  • three")]
    [InlineData("2 * 3 * 4, snake_case, a*b*c, 5 ** 6", "2 * 3 * 4, snake_case, a*b*c, 5 ** 6")]
    [InlineData("```csharp\nvar x = \"**\"; // `y`\n  # z\n```\nafter", "<q>csharp\n<c>var x = \"**\"; // `y`\n  # z\n<>after")]
    [InlineData("```\nno end", "<c>no end<>")]
    [InlineData("`a*b*`, \\*not\\*, C:\\temp", "<c>a*b*<>, *not*, C:\\temp")]
    [InlineData("**never closed\nnext", "<b>never closed\n<>next")]
    [InlineData("#hashtag and - no list\n---\n-5", "#hashtag and - no list\n---\n-5")]
    [InlineData("你好**世界**。", "你好<b>世界<>。")]
    [InlineData("ends with **bold**", "ends with <b>bold<>")]
    [InlineData("```\nx\n```", "<c>x\n<>")]
    [InlineData("a\n\nb\n", "a\n\nb\n")]
    public void A_text_is_styled(string text, string expected) => Render([text]).Should().Be(expected);

    [Fact]
    public void However_the_text_comes_in_pieces_it_looks_the_same()
    {
        const string Text = "# Title\n\nSome **bold *both* text**, `co**de`.\n\n- item `x`\n- *item*\n\n"
            + "```c\nint *p; // `\n   ```\nEnd ** of * it \\* `\n";
        var whole = Render([Text]);
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            var pieces = new List<string>();
            for (var at = 0; at < Text.Length;)
            {
                var count = Math.Min(random.Next(1, 6), Text.Length - at);
                pieces.Add(Text.Substring(at, count));
                at += count;
            }

            Render(pieces).Should().Be(whole);
        }
    }

    [Fact]
    public void Ordinary_text_is_written_at_once()
    {
        var written = new StringBuilder();
        var writer = new MarkdownWriter((text, _) => written.Append(text));
        foreach (var piece in new[] { "The", " sky", " is", " blue" })
        {
            var before = written.Length;
            writer.Write(piece);
            written.Length.Should().Be(before + piece.Length);
        }
    }

    private static string Render(IEnumerable<string> pieces)
    {
        var shown = new StringBuilder();
        var last = string.Empty;
        var writer = new MarkdownWriter((text, style) =>
        {
            var name = style.Foreground == Color.Grey ? "q" : style.Foreground == Color.Teal ? "c"
                : (style.Decoration.HasFlag(Decoration.Bold) ? "b" : "") + (style.Decoration.HasFlag(Decoration.Italic) ? "i" : "");
            shown.Append(name == last ? "" : $"<{name}>").Append(text);
            last = name;
        });
        foreach (var piece in pieces)
        {
            writer.Write(piece);
        }

        writer.End();
        return shown.Append(last.Length > 0 ? "<>" : "").ToString();
    }
}
