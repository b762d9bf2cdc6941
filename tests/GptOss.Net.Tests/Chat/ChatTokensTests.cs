using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>The sampled tokens and their log-probabilities come with a response, whatever they became.</summary>
public sealed class ChatTokensTests
{
    private const string Thought = "<|channel|>analysis<|message|>Hm, 7.<|end|><|start|>assistant";
    private const string Preamble = "<|channel|>commentary<|message|>One moment.<|end|><|start|>assistant";

    public static TheoryData<string> Turns =>
    [
        "<|channel|>final<|message|>It is 4. 🦄<|return|>",
        Thought + Preamble + "<|channel|>final<|message|>Yes.<|return|>",
        Thought + """<|channel|>commentary to=functions.f <|constrain|>json<|message|>{"a":[1,2,"drei"]}<|call|>""",
        Thought + Thought + Preamble + "<|channel|>final<|message|>Yes stop here",
    ];

    [Theory]
    [MemberData(nameof(Turns))]
    public async Task There_are_as_many_log_probabilities_as_sampled_tokens_streamed_and_whole(string turn)
    {
        using var chat = new ScriptedChat(turn);
        foreach (var output in new[] { ReasoningOutput.None, ReasoningOutput.Full })
        {
            var options = Options(output);
            options.StopSequences = ["stop"];

            var updates = await chat.Stream(options: options);
            var response = await chat.Ask(options: options);

            var streamed = updates.SelectMany(Tokens).ToArray();
            streamed.Should().HaveCount((int)updates[^1].Contents.OfType<UsageContent>().Single().Details.OutputTokenCount!.Value);
            HarmonyScript.Encode(turn).Should().StartWith(streamed.Select(token => token.Id));
            streamed.Should().OnlyContain(token => token.LogProbability != null && token.TopLogProbabilities!.Count == 2);
            response.RawRepresentation.Should().BeAssignableTo<IReadOnlyList<GeneratedToken>>().Which.Select(token => token.Id)
                .Should().Equal(streamed.Select(token => token.Id));
        }
    }

    [Theory]
    [MemberData(nameof(Turns))]
    public async Task The_tokens_of_a_text_stand_behind_the_last_header(string turn)
    {
        using var chat = new ScriptedChat(turn);

        var updates = await chat.Stream(options: Options(ReasoningOutput.None));

        foreach (var update in updates.Where(update => update.Text.Length > 0))
        {
            var ids = Tokens(update).Select(token => token.Id).ToArray();
            HarmonyScript.Decode(ids[(Array.LastIndexOf(ids, ControlToken.Message) + 1)..].Where(id => !ControlToken.IsControl(id)))
                .Should().Be(update.Text);
        }
    }

    private static IReadOnlyList<GeneratedToken> Tokens(ChatResponseUpdate update) =>
        (IReadOnlyList<GeneratedToken>)update.RawRepresentation!;

    private static ChatOptions Options(ReasoningOutput output) => new()
    {
        Tools = [AIFunctionFactory.Create((object[] a) => a.Length, "f")],
        Reasoning = new() { Output = output },
        RawRepresentationFactory = _ => new GptOssRequestOptions { LogProbabilities = true, TopLogProbabilities = 2 },
    };
}
