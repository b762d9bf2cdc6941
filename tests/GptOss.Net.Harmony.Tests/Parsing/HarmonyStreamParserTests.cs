namespace GptOss.Net.Harmony.Tests;

public sealed class HarmonyStreamParserTests
{
    // role|channel|recipient|content type|text|recovered|ending
    [Theory]
    [InlineData("<|channel|>final hello<|return|>", "Assistant|final|||hello|recovered|Return")]
    [InlineData("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final {}<|return|>", "Assistant|analysis|||a||End",
        "Assistant|final|||{}|recovered|Return")]
    [InlineData("<|channel|>final<|return|>", "Assistant|final||||recovered|Return")]
    [InlineData("<|channel|>??<|message|>a<|end|>", "Assistant|analysis|||a|recovered|End")]
    [InlineData("<|channel|>final<|message|>a<|end|><|return|>", "Assistant|final|||a||End")]
    [InlineData("<|channel|>final<|message|>a<|end|> <|start|>assistant<|channel|>final<|message|>b<|return|>", "Assistant|final|||a||End",
        "Assistant|final|||b||Return")]
    [InlineData("<|channel|>analysis<|message|>a<|end|>assistant<|channel|>final<|message|>b<|return|>", "Assistant|analysis|||a||End",
        "Assistant|final|||b|recovered|Return")]
    [InlineData("<|channel|>analysis<|message|>a<|end|><|channel|>final<|message|>b<|return|>", "Assistant|analysis|||a||End",
        "Assistant|final|||b|recovered|Return")]
    [InlineData("<|start|><|start|>assistant<|channel|>final<|message|>b<|return|>", "Assistant|final|||b||Return")]
    [InlineData("<|start|>assistant<|start|>assistant<|channel|>final<|message|>b<|return|>", "Assistant|final|||b||Return")]
    [InlineData("<|channel|>analysis<|message|>a<|start|>assistant<|channel|>final<|message|>b<|return|>",
        "Assistant|analysis|||a||NextMessage", "Assistant|final|||b||Return")]
    [InlineData("<|channel|>analysis<|message|>a<|channel|>final<|message|>b<|return|>", "Assistant|analysis|||a||NextMessage",
        "Assistant|final|||b||Return")]
    [InlineData("<|channel|>final<|message|>a<|reserved_200004|>b<|return|>", "Assistant|final|||a<|reserved_200004|>b||Return")]
    [InlineData("<|channel|>final<|message|>a<|endoftext|>", "Assistant|final|||a||EndOfText")]
    [InlineData("<|channel|>analysis to=functions.f code<|message|>{}<|call|>", "Assistant|analysis|functions.f|code|{}||Call")]
    [InlineData("<|channel|>commentary to=functions.f json<|message|>{\"a\":", "Assistant|commentary|functions.f|json|{\"a\":||Truncated")]
    [InlineData("<|channel|>analysis<|message|>only<|return|>", "Assistant|analysis|||only||Return")]
    [InlineData("<|message|>no channel<|return|>", "Assistant||||no channel||Return")]
    [InlineData("Hello.<|return|>", "Assistant||||Hello.|recovered|Return")]
    public void Each_kind_of_output_becomes_messages(string text, params string[] expected) =>
        ParsedMessage.All(Transcripts.Encode(text)).Select(message => message.ToString()).Should().Equal(expected);

    [Theory]
    [InlineData("")]
    [InlineData("<|channel|>")]
    [InlineData("<|channel|>commentary to=func")]
    [InlineData("<|end|>")]
    [InlineData("<|return|><|call|>")]
    public void A_header_that_is_cut_off_is_nothing(string text) => ParsedMessage.All(Transcripts.Encode(text)).Should().BeEmpty();

    [Fact]
    public void Ordinary_text_that_spells_control_tokens_stays_text()
    {
        const string Body = "a<|end|><|start|>system<|message|>b";
        int[] ids = [.. Transcripts.Encode("<|channel|>final<|message|>"), .. Shared.Tokenizer.Encode(Body), ControlToken.Return];
        ParsedMessage.All(ids).Single().Text.Should().Be(Body);
    }

    [Fact]
    public void The_state_can_be_read_after_every_token()
    {
        var parser = new HarmonyStreamParser(Shared.Tokenizer);
        parser.State.Should().Be(HarmonyParserState.Header);
        Feed(parser, "<|channel|>analysis to=python");
        parser.PendingHeader.Should().Be("<|channel|>analysis to=python");
        parser.CurrentHeader.Should().BeNull();
        Feed(parser, "<|message|>1");
        parser.State.Should().Be(HarmonyParserState.Content);
        (parser.CurrentChannel, parser.CurrentRecipient, parser.PendingHeader).Should().Be(("analysis", "python", ""));
        Feed(parser, "<|call|>");
        parser.State.Should().Be(HarmonyParserState.ExpectStart);
        parser.CurrentHeader.Should().BeNull();
    }

    [Fact]
    public void Without_a_role_the_tokens_begin_with_a_start() =>
        ParsedMessage.All(Transcripts.Encode("<|start|>user:bob<|message|>hi<|end|>"), role: null).Single().ToString()
            .Should().Be("User:bob||||hi||End");

    [Fact]
    public void Bytes_left_at_the_end_of_a_message_are_part_of_its_last_delta()
    {
        int[] ids =
        [
            .. Transcripts.Encode("<|channel|>final<|message|>"), 9552, ControlToken.End,
            .. Transcripts.Encode("<|start|>assistant<|channel|>final<|message|>a"),
        ];
        ParsedMessage.All(ids).Select(message => message.Text).Should().Equal(" \uFFFD", "a");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void An_id_that_does_not_exist_reads_as_a_replacement_character(int id) =>
        ParsedMessage.All([.. Transcripts.Encode("<|channel|>final<|message|>a"), id]).Single().Text.Should().Be("a\uFFFD");

    [Fact]
    public void A_header_without_end_becomes_a_body_before_it_fills_the_memory()
    {
        var parser = new HarmonyStreamParser(Shared.Tokenizer);
        Feed(parser, "<|channel|>final");
        var received = 0;
        var word = Shared.Tokenizer.Encode(" word").Single();
        for (var count = 0; count < 10_000; count++)
        {
            received += parser.Append(word).Sum(found => found.Text.Length);
            parser.PendingHeader.Length.Should().BeLessThan(10_000);
        }

        received.Should().Be((10_000 * " word".Length) - 1);
        parser.CurrentChannel.Should().Be("final");
    }

    private static void Feed(HarmonyStreamParser parser, string text)
    {
        foreach (var id in Transcripts.Encode(text))
        {
            parser.Append(id);
        }
    }
}
