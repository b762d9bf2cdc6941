using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>Whatever the logits are, no turn is lost: it ends with an answer or a call that parses, or it was cut off.</summary>
public sealed class NoisyTurnTests
{
    private static readonly AITool[] Tools =
    [
        AIFunctionFactory.Create((string city, int? days, DayOfWeek first) => city + days + first, "forecast"),
        AIFunctionFactory.Create((double[] values, bool mean) => values.Length + (mean ? 1 : 0), "statistics"),
        AIFunctionFactory.Create(() => 1, "nothing"),
    ];

    private static readonly ChatOptions[] Kinds =
    [
        new(),
        new() { Tools = Tools },
        new() { Tools = Tools, ToolMode = ChatToolMode.RequireAny },
        new() { Tools = Tools, ToolMode = ChatToolMode.RequireSpecific("forecast") },
        new() { Tools = Tools, ToolMode = ChatToolMode.None, RawRepresentationFactory = _ => new GptOssRequestOptions { ReasoningBudget = 10 } },
        new() { Tools = Tools, ResponseFormat = ChatResponseFormat.Json },
        new() { ResponseFormat = ChatResponseFormat.ForJsonSchema<Dictionary<string, int[]>>() },
    ];

    [Fact]
    public async Task No_turn_is_lost_and_no_call_fails_to_parse()
    {
        using var chat = new NoisyChat();
        var turns = LongTests.Cases(21, 10_000);
        var ends = new int[3];

        await Parallel.ForAsync(0, turns, TestContext.Current.CancellationToken, async (turn, cancellationToken) =>
        {
            var options = Kinds[turn % Kinds.Length].Clone();
            (options.Temperature, options.Seed, options.MaxOutputTokens) = (1.5f, turn, 300);

            var response = await chat.Client.GetResponseAsync("Hello", options, cancellationToken);

            Interlocked.Increment(ref ends[Check(response, options)]);
        });

        ends[0].Should().BeGreaterThan(turns / 7);
        ends[1].Should().BeGreaterThan(turns / 7);
        ends[2].Should().BeLessThan(turns / 2, "most turns come to an end");
    }

    private static int Check(ChatResponse response, ChatOptions options)
    {
        var calls = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().ToArray();
        if (response.FinishReason == ChatFinishReason.Length)
        {
            calls.Should().BeEmpty();
            return 2;
        }

        if (response.FinishReason == ChatFinishReason.ToolCalls)
        {
            calls.Should().ContainSingle();
            calls[0].Name.Should().BeOneOf(Tools.Select(tool => tool.Name));
            calls[0].Arguments.Should().NotBeNull();
            options.ToolMode.Should().NotBe(ChatToolMode.None);
            return 1;
        }

        response.FinishReason.Should().Be(ChatFinishReason.Stop);
        (options.ToolMode is RequiredChatToolMode).Should().BeFalse();
        calls.Should().BeEmpty();
        if (options.ResponseFormat is ChatResponseFormatJson)
        {
            System.Text.Json.JsonDocument.Parse(response.Messages[^1].Text).Dispose();
        }

        return 0;
    }
}
