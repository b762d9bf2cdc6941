using System.Text;
using GptOss.Net.Tests.StructuredOutput;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Whatever the model is driven to, its answers follow their grammar.</summary>
public sealed class NoisyGrammarTests
{
    private static readonly string[] Kinds = [LarkGrammars.Sql, LarkGrammars.Arithmetic, LarkGrammars.SExpressions, LarkGrammars.Json];

    [Fact]
    public async Task Every_answer_follows_its_grammar()
    {
        using var chat = await ShakenDemoChat.LoadAsync();
        var responses = new ChatResponse[LongTests.Cases(12, 2_000)];

        await ShakenDemoChat.Ask(responses.Length, async (turn, cancellationToken) =>
        {
            var options = new ChatOptions
            {
                Temperature = 1.5f,
                Seed = turn,
                MaxOutputTokens = 150,
                RawRepresentationFactory = _ => new GptOssRequestOptions { ReasoningBudget = 20, Grammar = Kinds[turn % Kinds.Length] },
            };
            responses[turn] = await chat.Model.AsIChatClient().GetResponseAsync("How many?", options, cancellationToken);
        });

        foreach (var (turn, response) in responses.Index())
        {
            var end = LarkGrammars.Compile(Kinds[turn % Kinds.Length]).Start().Advance(Encoding.UTF8.GetBytes(response.Text));
            end.Should().NotBeNull("'{0}' is the beginning of such a text", response.Text);
            (end.IsAccepting || response.FinishReason == ChatFinishReason.Length).Should().BeTrue("'{0}' ended by itself", response.Text);
        }
    }
}
