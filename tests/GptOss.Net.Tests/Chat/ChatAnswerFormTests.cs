using GptOss.Net.Tests.StructuredOutput;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Answers that are one of some texts, match a regular expression, or follow a grammar.</summary>
public sealed class ChatAnswerFormTests
{
    [Theory]
    [InlineData("neutral", "neutral")]
    [InlineData("negative, I think", "negative")]
    [InlineData("nothing", "positive", "neutral", "negative")]
    public async Task An_answer_is_one_of_the_choices(string wanted, params string[] possible)
    {
        using var chat = new ScriptedChat($"<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>{wanted}");

        var response = await chat.Ask(options: Options(new() { Choice = ["positive", "neutral", "negative"] }));

        possible.Should().Contain(response.Text);
        response.FinishReason.Should().Be(ChatFinishReason.Stop);
    }

    [Theory]
    [InlineData("2026-11-26", "2026-11-26")]
    [InlineData("2026-11-26 or so", "2026-11-26")]
    public async Task An_answer_matches_the_expression(string wanted, string expected)
    {
        using var chat = new ScriptedChat($"<|channel|>final<|message|>{wanted}");

        (await chat.Ask(options: Options(new() { Regex = @"\d{4}-\d{2}-\d{2}" }))).Text.Should().Be(expected);
    }

    [Fact]
    public async Task An_expression_may_hold_any_character()
    {
        using var chat = new ScriptedChat("<|channel|>final<|message|>Ж\"汉\"😀\n");

        (await chat.Ask(options: Options(new() { Regex = @"\p{L}""\p{Lo}"".\n" }))).Text.Should().Be("Ж\"汉\"😀\n");
    }

    [Theory]
    [InlineData("up 3, left 2", "up 3, left 2")]
    [InlineData("up 3, left 2, down 1, right 9", "up 3, left 2, down 1")]
    [InlineData("north", null)]
    public async Task An_answer_follows_the_grammar(string wanted, string? expected)
    {
        const string Grammar = """
            start: move (", " move)~0..2
            move: ("up" | "down" | "left" | "right") " " /[1-9]/
            """;
        using var chat = new ScriptedChat($"<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>{wanted}");

        var response = await chat.Ask(options: Options(new() { Grammar = Grammar }));

        // What is not wanted gives way to any other text that follows the grammar.
        LarkGrammars.Accepts(Grammar, response.Text).Should().BeTrue("of '{0}'", response.Text);
        response.Text.Should().Be(expected ?? response.Text);
        response.FinishReason.Should().Be(ChatFinishReason.Stop);
    }

    public static TheoryData<GptOssRequestOptions> Wrong =>
    [
        new GptOssRequestOptions { Choice = [] },
        new GptOssRequestOptions { Choice = ["a", ""] },
        new GptOssRequestOptions { Regex = "(" },
        new GptOssRequestOptions { Regex = @"(a)\1" },
        new GptOssRequestOptions { Regex = "a", Choice = ["a"] },
        new GptOssRequestOptions { Grammar = "" },
        new GptOssRequestOptions { Grammar = "start: (" },
        new GptOssRequestOptions { Grammar = "start: \"a\"", Regex = "a" },
    ];

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_no_answer_can_follow_is_refused_at_the_call(GptOssRequestOptions own)
    {
        using var chat = new ScriptedChat("");
        chat.Client.Invoking(client => client.GetStreamingResponseAsync("Hi", Options(own))).Should().Throw<ArgumentException>();
    }

    private static ChatOptions Options(GptOssRequestOptions own) => new() { RawRepresentationFactory = _ => own };
}
