using System.Text;

namespace GptOss.Net.Harmony.Tests;

public sealed class TextSplitterTests
{
    [Theory]
    [InlineData("Hello world", "Hello| world")]
    [InlineData("HTTPServer", "HTTPServer")]
    [InlineData("helloWorld", "hello|World")]
    [InlineData("HELLO world", "HELLO| world")]
    [InlineData("don't I'LL we'Ve", "don't| I'LL| we'Ve")]
    [InlineData("it'ſ", "it'ſ")]
    [InlineData("'re'", "'re|'")]
    [InlineData("1234567", "123|456|7")]
    [InlineData("a  b", "a| | b")]
    [InlineData("a   ", "a|   ")]
    [InlineData("a \n\n b", "a| \n\n| b")]
    [InlineData("a\n", "a|\n")]
    [InlineData("\t\tx", "\t|\tx")]
    [InlineData("a//\n/ b", "a|//\n/| b")]
    [InlineData("x = !y", "x| =| !|y")]
    [InlineData("汉ABC", "汉|ABC")]
    [InlineData("汉ABCd", "汉ABCd")]
    [InlineData("\u0301ABC", "\u0301|ABC")]
    [InlineData("👋b", "👋b")]
    [InlineData("a𝛑b", "a𝛑b")]
    [InlineData("𝟏𝟐𝟑𝟒", "𝟏𝟐𝟑|𝟒")]
    [InlineData("𐐀𐐨𐐀", "𐐀𐐨|𐐀")]
    public void Text_is_split_as_the_official_expression_does(string text, string pieces)
    {
        var found = new List<string>();
        ReadOnlySpan<byte> rest = Encoding.UTF8.GetBytes(text);
        while (!rest.IsEmpty)
        {
            var length = TextSplitter.FirstPieceLength(rest);
            found.Add(Encoding.UTF8.GetString(rest[..length]));
            rest = rest[length..];
        }

        string.Join('|', found).Should().Be(pieces);
    }
}
