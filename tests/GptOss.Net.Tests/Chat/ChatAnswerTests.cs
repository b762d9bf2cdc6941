using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>What becomes of the messages that the model writes.</summary>
public sealed class ChatAnswerTests
{
    private const string Thought = "<|channel|>analysis<|message|>Let me think.<|end|><|start|>assistant";
    private const string Answer = "<|channel|>final<|message|>It is 4.<|return|>";

    private static readonly ChatOptions Full = new() { Reasoning = new() { Output = ReasoningOutput.Full } };

    [Fact]
    public async Task The_final_message_is_the_answer()
    {
        using var chat = new ScriptedChat(Answer);

        var response = await chat.Ask();

        response.Messages.Should().ContainSingle().Which.Role.Should().Be(ChatRole.Assistant);
        response.Text.Should().Be("It is 4.");
        response.ModelId.Should().Be("scripted");
        response.ConversationId.Should().BeNull();
    }

    [Fact]
    public async Task The_answer_is_streamed_token_by_token()
    {
        using var chat = new ScriptedChat(Answer);

        var updates = await chat.Stream();

        updates.Where(update => update.Text.Length > 0).Select(update => update.Text).Should().Equal("It", " is", " ", "4", ".");
        updates.Select(update => update.ResponseId).Distinct(StringComparer.Ordinal)
            .Should().ContainSingle().Which.Should().NotBeNullOrEmpty();
        updates.Select(update => update.MessageId).Distinct(StringComparer.Ordinal).Should().ContainSingle().Which.Should()
            .NotBeNullOrEmpty();
        updates.Should().OnlyContain(update => update.Role == ChatRole.Assistant && update.CreatedAt != null);
    }

    [Fact]
    public async Task Characters_of_several_tokens_come_whole()
    {
        using var chat = new ScriptedChat("<|channel|>final<|message|>Ein 🦄 galoppiert: 𓀀!<|return|>");

        var updates = await chat.Stream();

        string.Concat(updates.Select(update => update.Text)).Should().Be("Ein 🦄 galoppiert: 𓀀!");
        updates.Should().NotContain(update => update.Text.Contains('\uFFFD'));
    }

    [Fact]
    public async Task Reasoning_is_not_shown_by_default()
    {
        using var chat = new ScriptedChat(Thought + Answer);

        var response = await chat.Ask();

        response.Messages.Single().Contents.Should().ContainSingle().Which.Should().BeOfType<TextContent>();
        response.Text.Should().Be("It is 4.");
    }

    [Theory]
    [InlineData(ReasoningOutput.None)]
    [InlineData(ReasoningOutput.Summary)]
    public async Task Reasoning_is_shown_only_in_full(ReasoningOutput output)
    {
        using var chat = new ScriptedChat(Thought + Answer);

        var response = await chat.Ask(options: new() { Reasoning = new() { Output = output } });

        response.Messages.SelectMany(message => message.Contents).Should().NotContain(content => content is TextReasoningContent);
    }

    [Fact]
    public async Task Reasoning_that_is_wanted_stands_before_the_text_and_apart_from_it()
    {
        using var chat = new ScriptedChat(Thought + Answer);

        var contents = (await chat.Ask(options: Full)).Messages.Single().Contents;

        contents.Should().HaveCount(2);
        contents[0].Should().BeOfType<TextReasoningContent>().Which.Text.Should().Be("Let me think.");
        contents[1].Should().BeOfType<TextContent>().Which.Text.Should().Be("It is 4.");
    }

    [Fact]
    public async Task A_preamble_is_a_message_of_its_own()
    {
        using var chat = new ScriptedChat("<|channel|>commentary<|message|>One moment.<|end|><|start|>assistant" + Answer);

        var messages = (await chat.Ask()).Messages;

        messages.Select(message => message.Text).Should().Equal("One moment.", "It is 4.");
        messages.Select(message => message.MessageId).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public async Task A_model_that_answers_nothing_gives_an_empty_answer()
    {
        using var chat = new ScriptedChat("<|channel|>final<|message|><|return|>");

        var response = await chat.Ask();

        response.Text.Should().BeEmpty();
        response.FinishReason.Should().Be(ChatFinishReason.Stop);
    }

    [Fact]
    public async Task The_usage_counts_every_token_once()
    {
        using var chat = new ScriptedChat(Thought + Answer);

        var response = await chat.Ask();

        var usage = response.Usage!;
        usage.InputTokenCount.Should().Be(HarmonyScript.Encode(chat.Prompts[0]).Length);
        usage.OutputTokenCount.Should().Be(HarmonyScript.Encode(Thought + Answer).Length);
        usage.ReasoningTokenCount.Should().Be(HarmonyScript.Encode("Let me think.").Length);
        usage.CachedInputTokenCount.Should().Be(0);
        usage.TotalTokenCount.Should().Be(usage.InputTokenCount + usage.OutputTokenCount);
    }

    [Fact]
    public async Task The_usage_comes_once_in_the_last_update()
    {
        using var chat = new ScriptedChat(Thought + Answer);

        var updates = await chat.Stream(options: Full);

        updates.SelectMany(update => update.Contents).OfType<UsageContent>().Should().ContainSingle();
        updates[^1].Contents.Should().ContainSingle().Which.Should().BeOfType<UsageContent>();
        updates.Select(update => update.FinishReason).SkipLast(1).Should().OnlyContain(reason => reason == null);
        updates[^1].FinishReason.Should().Be(ChatFinishReason.Stop);
    }

    [Theory]
    [InlineData(5, "It")]
    [InlineData(7, "It is ")]
    public async Task An_answer_that_is_cut_off_says_so(int tokens, string text)
    {
        using var chat = new ScriptedChat("<|channel|>final<|message|>It is 4.<|return|>");

        var response = await chat.Ask(options: new() { MaxOutputTokens = tokens - 1 });

        response.FinishReason.Should().Be(ChatFinishReason.Length);
        response.Text.Should().Be(text);
        response.Usage!.OutputTokenCount.Should().Be(tokens - 1);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_header_that_is_cut_off_is_no_text(int tokens)
    {
        using var chat = new ScriptedChat(Answer);

        var response = await chat.Ask(options: new() { MaxOutputTokens = tokens });

        response.FinishReason.Should().Be(ChatFinishReason.Length);
        response.Text.Should().BeEmpty();
    }

    [Theory]
    [InlineData("4.", "It is ")]
    [InlineData(" is 4", "It")]
    [InlineData("s 4.", "It i")]
    [InlineData("It", "")]
    public async Task A_stop_sequence_ends_the_answer_wherever_tokens_begin(string stop, string text)
    {
        using var chat = new ScriptedChat(Answer);

        var updates = await chat.Stream(options: new() { StopSequences = [stop] });

        string.Concat(updates.Select(update => update.Text)).Should().Be(text);
        updates[^1].FinishReason.Should().Be(ChatFinishReason.Stop);
    }

    [Fact]
    public async Task A_stop_sequence_that_does_not_come_changes_nothing()
    {
        using var chat = new ScriptedChat(Answer);

        (await chat.Ask(options: new() { StopSequences = ["It is 5", "4.."] })).Text.Should().Be("It is 4.");
    }

    [Fact]
    public async Task A_stop_sequence_does_not_end_the_reasoning_or_a_preamble()
    {
        using var chat = new ScriptedChat(Thought + "<|channel|>commentary<|message|>I think.<|end|><|start|>assistant" + Answer);

        var response = await chat.Ask(options: new() { StopSequences = ["think", "4"] });

        response.Messages.Select(message => message.Text).Should().Equal("I think.", "It is ");
    }

    [Fact]
    public async Task A_stop_sequence_at_the_last_token_allowed_is_a_stop()
    {
        using var chat = new ScriptedChat(Answer);
        var tokens = HarmonyScript.Encode("<|channel|>final<|message|>It is").Length;

        var response = await chat.Ask(options: new() { MaxOutputTokens = tokens, StopSequences = [" is"] });

        response.FinishReason.Should().Be(ChatFinishReason.Stop);
        response.Text.Should().Be("It");
    }
}
