namespace GptOss.Net.Harmony.Tests;

public sealed class HarmonyParserConformanceTests
{
    public static TheoryData<string> Accepted =>
        [.. HarmonyCases.OfKind("parse").Where(element => element.Keyword("error") is null)
            .Select(element => element.StringKeyword("name")!)];

    public static TheoryData<string> Streamed =>
        [.. HarmonyCases.OfKind("parse").Where(element => element.Keyword("error") is null && element.Keyword("stream") is not null)
            .Select(element => element.StringKeyword("name")!)];

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Messages_equal_those_of_the_official_library(string name)
    {
        var expected = HarmonyCases.Named(name);

        var messages = HarmonyParser.Parse(Shared.Tokenizer, HarmonyCases.Tokens(expected, "tokens"), HarmonyCases.Role(expected));

        messages.Should().BeEquivalentTo(HarmonyCases.Messages(expected, "expected_messages"), options => options.WithStrictOrdering());
    }

    [Theory]
    [MemberData(nameof(Streamed))]
    public void Deltas_equal_those_of_the_official_library(string name)
    {
        var expected = HarmonyCases.Named(name);
        var parser = new HarmonyStreamParser(Shared.Tokenizer, HarmonyCases.Role(expected));

        var deltas = HarmonyCases.Tokens(expected, "tokens")
            .SelectMany(parser.Append)
            .Where(found => found.Kind == HarmonyStreamEventKind.TextDelta)
            .Select(found => $"{found.Header.Channel}|{found.Header.Recipient}|{found.Text}");

        deltas.Should().Equal(
            expected.ArrayKeyword("stream")!.Select(delta => string.Join('|', delta.EnumerateArray().Select(part => part.GetString()))));
    }

    // The official library gives up on these three; ours must not.
    [Theory]
    [InlineData("bad_missing_message", "Assistant|final|||hello|recovered|Return")]
    [InlineData("bad_extra_header_words", "Assistant|commentary|functions.f|json|{}|recovered|Call")]
    [InlineData("bad_garbage_between", "Assistant|analysis|||x||End", "Assistant|analysis|||oops |recovered|NextMessage",
        "Assistant|final|||y||Return")]
    public void What_the_official_library_refuses_is_recovered(string name, params string[] expected)
    {
        var element = HarmonyCases.Named(name);
        element.Keyword("error").Should().NotBeNull();
        ParsedMessage.All(HarmonyCases.Tokens(element, "tokens"), HarmonyCases.Role(element)).Select(message => message.ToString())
            .Should().Equal(expected);
    }
}
