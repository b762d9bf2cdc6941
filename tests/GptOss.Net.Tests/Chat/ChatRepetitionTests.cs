using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>A message that repeats itself comes to an end, if that is asked for.</summary>
public sealed class ChatRepetitionTests
{
    private static string Looping(string passage, int times) =>
        "<|channel|>final<|message|>Well: " + string.Concat(Enumerable.Repeat(passage, times));

    [Theory]
    [InlineData(" no", 1)]
    [InlineData(" I am so sorry, let me try again.", 10)]
    public async Task A_message_ends_after_so_many_times_of_one_passage(string passage, int tokens)
    {
        using var chat = new ScriptedChat(Looping(passage, 50) + "<|return|>");
        HarmonyScript.Encode(passage).Should().HaveCount(tokens);

        var response = await chat.Ask(options: Limit(5));

        response.FinishReason.Should().Be(GptOssChatClient.RepetitionFinishReason);
        response.FinishReason!.Value.Value.Should().Be("repetition");
        response.Text.Should().Be("Well: " + string.Concat(Enumerable.Repeat(passage, 5)));
    }

    [Fact]
    public async Task Less_repetition_changes_nothing()
    {
        using var chat = new ScriptedChat(Looping(" no", 4) + " yes no no no no.<|return|>");

        var response = await chat.Ask(options: Limit(5));

        response.FinishReason.Should().Be(ChatFinishReason.Stop);
        response.Text.Should().EndWith(" yes no no no no.");
    }

    [Fact]
    public async Task Nothing_ends_unless_it_is_asked_for()
    {
        using var chat = new ScriptedChat(Looping(" no", 200) + "<|return|>");

        (await chat.Ask()).FinishReason.Should().Be(ChatFinishReason.Stop);
    }

    [Fact]
    public async Task Thoughts_and_arguments_count_too_and_a_call_is_then_none()
    {
        var anything = AIFunctionFactory.CreateDeclaration("f", null, System.Text.Json.JsonElement.Parse("""{"type":"object"}"""));
        string[] turns =
        [
            "<|channel|>analysis<|message|>" + string.Concat(Enumerable.Repeat(" wait", 100)),
            "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{\"a\":[" + string.Concat(Enumerable.Repeat("7,", 100)),
        ];
        foreach (var turn in turns)
        {
            using var chat = new ScriptedChat(turn);
            var options = Limit(20);
            options.Tools = [anything];

            var response = await chat.Ask(options: options);

            response.FinishReason.Should().Be(GptOssChatClient.RepetitionFinishReason);
            response.Messages.SelectMany(message => message.Contents).Should().NotContain(content => content is FunctionCallContent);
        }
    }

    private static ChatOptions Limit(int limit) =>
        new() { RawRepresentationFactory = _ => new GptOssRequestOptions { RepetitionLimit = limit } };
}
