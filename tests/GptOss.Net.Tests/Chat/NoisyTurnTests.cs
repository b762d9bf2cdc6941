using System.Collections.Concurrent;
using System.Diagnostics;
using GptOss.Net.Harmony;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Tests.Chat;

/// <summary>
/// Whatever the model is driven to, no turn is lost: its headers are well-formed, and it ends with an answer or with a call that
/// parses, unless the limit cuts it off.
/// </summary>
public sealed class NoisyTurnTests(ITestOutputHelper output)
{
    private static readonly AITool[] Tools =
    [
        AIFunctionFactory.Create((string city) => city, "get_weather"),
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
        new()
        {
            Tools = Tools,
            ToolMode = ChatToolMode.None,
            RawRepresentationFactory = _ => new GptOssRequestOptions { ReasoningBudget = 10 },
        },
        new() { Tools = Tools, ResponseFormat = ChatResponseFormat.Json },
        new() { Tools = Tools, Reasoning = new() { Effort = Microsoft.Extensions.AI.ReasoningEffort.Low } },
    ];

    private static readonly string[] Questions =
        ["Hello!", "What is the weather in Paris?", "What is the capital of "
            + "France?", "What is 7 + 5?", "Is it cold in Oslo?", "Name a planet."];

    [Fact]
    public async Task No_turn_is_lost_and_no_call_fails_to_parse()
    {
        using var chat = await ShakenDemoChat.LoadAsync();
        var turns = LongTests.Cases(21, 10_000);
        var problems = new ConcurrentBag<string>();
        var ends = new ConcurrentBag<ChatFinishReason?>();
        var (done, tokens, started) = (0, 0L, Stopwatch.GetTimestamp());

        await ShakenDemoChat.Ask(turns, async (turn, cancellationToken) =>
        {
            var options = Kinds[turn % Kinds.Length].Clone();
            (options.Temperature, options.Seed, options.MaxOutputTokens) = (1.5f, turn, LongTests.Cases(200, 400));

            try
            {
                var recorded = await RecordedTurn.Run(chat.Model, Questions[turn % Questions.Length], options, cancellationToken);

                ends.Add(recorded.Response.FinishReason);
                Interlocked.Add(ref tokens, recorded.Tokens.Count);
                foreach (var problem in Problems(recorded, options))
                {
                    problems.Add($"Turn {turn}: {problem} in {HarmonyScript.Decode(recorded.Tokens)}");
                }
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                problems.Add($"Turn {turn}: {exception}");
            }

            if (Interlocked.Increment(ref done) % 1_000 == 0)
            {
                output.WriteLine($"{done} turns in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s, {problems.Count} problems");
            }
        });

        output.WriteLine(
            $"{turns} turns of {tokens} tokens in {Stopwatch.GetElapsedTime(started).TotalSeconds:F0} s, {problems.Count} problems: "
            + string.Join(", ", ends.GroupBy(end => end).Select(end => $"{end.Count()} ended with {end.Key}")));
        problems.Should().BeEmpty();
        ends.Count(end => end == ChatFinishReason.Length).Should().BeLessThan(turns / 2, "most turns come to an end");
    }

    private static IEnumerable<string> Problems(RecordedTurn turn, ChatOptions options)
    {
        var messages = Messages(turn.Tokens);
        if (messages.Exists(message => message.Header.IsRecovered))
        {
            yield return "a malformed header";
        }

        if (messages.SkipLast(1).Any(message => message.Ending != MessageEnding.End))
        {
            yield return "a message after the last one";
        }

        var calls = turn.Response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().ToArray();
        var ending = messages.Count > 0 ? messages[^1].Ending : MessageEnding.Truncated;
        var wanted = turn.Response.FinishReason == ChatFinishReason.Stop ? MessageEnding.Return
            : turn.Response.FinishReason == ChatFinishReason.ToolCalls ? MessageEnding.Call
            : MessageEnding.Truncated;
        if (ending != wanted && !(wanted == MessageEnding.Truncated && ending == MessageEnding.End))
        {
            yield return $"a turn that ended with {turn.Response.FinishReason} and whose last message ended with {ending}";
        }

        if (calls.Length != (wanted == MessageEnding.Call ? 1 : 0)
            || calls.Any(
                call => call.Arguments is null
                    || !Array.Exists(Tools, tool => string.Equals(tool.Name, call.Name, StringComparison.Ordinal))))
        {
            yield return $"{calls.Length} calls";
        }

        if (wanted == (options.ToolMode is RequiredChatToolMode
            ? MessageEnding.Return
            : options.ToolMode is NoneChatToolMode ? MessageEnding.Call : null))
        {
            yield return $"an end that {options.ToolMode} forbids";
        }

        if (wanted == MessageEnding.Return && options.ResponseFormat is ChatResponseFormatJson
            && !JsonText.IsObject(turn.Response.Messages[^1].Text))
        {
            yield return "an answer that is no JSON object";
        }
    }

    private static List<(MessageHeader Header, MessageEnding Ending)> Messages(IReadOnlyList<int> tokens)
    {
        var parser = new HarmonyStreamParser(ScriptedModel.Tokenizer);
        var events = tokens.SelectMany(parser.Append).ToList();
        events.AddRange(parser.Finish());
        return [.. events.Where(found => found.Kind == HarmonyStreamEventKind.MessageEnded)
            .Select(found => (found.Header, found.Ending!.Value))];
    }
}
