using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Json.Schema;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>The server over a real model: what a scripted one cannot show.</summary>
[Collection("the meter of this process")]
public sealed class DemoModelTests(DemoServer server) : IClassFixture<DemoServer>
{
    private const string Chat = "/v1/chat/completions";
    private const string Responses = "/v1/responses";

    private static readonly string[] Functions =
    [
        """{"name":"get_weather","description":"The weather in a city.","parameters":{"type":"object","properties":{"city":{"type":"string","enum":["Paris","Rome","Oslo"]}},"required":["city"],"additionalProperties":false}}""",
        """{"name":"get_time","description":"The time now.","parameters":{"type":"object","properties":{},"additionalProperties":false}}""",
        """{"name":"add","description":"Adds two numbers.","parameters":{"type":"object","properties":{"a":{"type":"integer","minimum":0,"maximum":999},"b":{"type":"integer","minimum":0,"maximum":999}},"required":["a","b"],"additionalProperties":false}}""",
        """{"name":"set_light","description":"Switches a light.","parameters":{"type":"object","properties":{"room":{"type":"string","enum":["kitchen","hall"]},"on":{"type":"boolean"}},"required":["room","on"],"additionalProperties":false}}""",
        """{"name":"book","description":"Books a table.","parameters":{"type":"object","properties":{"people":{"type":"integer","minimum":1,"maximum":9},"day":{"enum":["today","tomorrow"]}},"required":["people","day"],"additionalProperties":false}}""",
    ];

    private static readonly string[] Prompts =
        ["What is the weather in Paris?", "What time is it?", "What is 17 + 25?", "Switch on the light in the kitchen.", "A table for two, please.", "Help me."];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // As OpenAI checks those who serve gpt-oss: reasoning is there, the call is well-formed, its arguments fit their schema.
    [Fact]
    public async Task Thirty_prompts_with_tools_are_called_rightly_over_both_APIs_whole_and_streamed()
    {
        var problems = new List<string>();
        await Task.WhenAll(Functions.SelectMany((function, i) => Prompts.Select(async (prompt, j) =>
        {
            var schema = JsonSchema.FromText(JsonNode.Parse(function)!["parameters"]!.ToJsonString());
            foreach (var responses in (bool[])[false, true])
            {
                foreach (var stream in (bool[])[false, true])
                {
                    var tool = responses
                        ? "{\"type\":\"function\"," + function[1..]
                        : "{\"type\":\"function\",\"function\":" + function + "}";
                    var turn = responses ? $"\"input\":\"{prompt}\"" : $"\"messages\":[{{\"role\":\"user\",\"content\":\"{prompt}\"}}]";
                    var limit = responses ? "max_output_tokens" : "max_tokens";
                    var body = $$"""{"model":"gpt-oss-nano",{{turn}},"tools":[{{tool}}],"tool_choice":"required","seed":{{i + j}},"temperature":0.5,"{{limit}}":400,"stream":{{(stream ? "true" : "false")}}}""";
                    var text = await server.PostAsync(responses ? Responses : Chat, body, Cancellation);
                    var (reasoning, name, arguments) = (responses, stream) switch
                    {
                        (false, false) => WholeChat(text),
                        (false, true) => StreamedChat(text),
                        (true, false) => Response(JsonDocument.Parse(text).RootElement),
                        (true, true) => StreamedResponse(text),
                    };
                    var isRight = reasoning.Length > 0 && name == JsonNode.Parse(function)!["name"]!.GetValue<string>()
                        && schema.Evaluate(JsonDocument.Parse(arguments).RootElement).IsValid;
                    if (!isRight)
                    {
                        lock (problems)
                        {
                            problems.Add($"{(responses ? "responses" : "chat")} {(stream ? "streamed" : "whole")} {prompt} {name}({arguments}) reasoning '{reasoning}'");
                        }
                    }
                }
            }
        })));
        string.Join('\n', problems).Should().BeEmpty();
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_answer_whole_and_streamed()
    {
        for (var seed = 0; seed < 5; seed++)
        {
            var chat = $$"""{"model":"gpt-oss-nano","messages":[{"role":"user","content":"Tell me a fact."}],"seed":{{seed}},"temperature":1,"max_tokens":60,"stream":""";
            var whole = JsonDocument.Parse(await server.PostAsync(Chat, chat + "false}", Cancellation)).RootElement.GetProperty("choices")[0].GetProperty("message");
            var joined = JoinedStream.Of(Events(await server.PostAsync(Chat, chat + "true}", Cancellation)));
            joined.Content.Should().Be(whole.GetProperty("content").ValueKind == JsonValueKind.Null ? "" : whole.GetProperty("content").GetString());
            joined.Reasoning.Should().Be(whole.TryGetProperty("reasoning", out var reasoning) ? reasoning.GetString() : "");

            var response = $$"""{"model":"gpt-oss-nano","input":"Tell me a fact.","seed":{{seed}},"max_output_tokens":60,"stream":""";
            var one = JsonDocument.Parse(await server.PostAsync(Responses, response + "false}", Cancellation)).RootElement;
            var other = Events(await server.PostAsync(Responses, response + "true}", Cancellation))[^1].GetProperty("response");
            Texts(other).Should().Be(Texts(one));
        }

        static string Texts(JsonElement response) => string.Join('|', response.GetProperty("output").EnumerateArray().SelectMany(item => item.GetProperty("content").EnumerateArray())
            .Select(part => part.GetProperty("text").GetString()));
    }

    [Fact]
    public async Task A_request_is_one_trace_from_its_caller_to_the_engine()
    {
        var ended = new System.Collections.Concurrent.ConcurrentQueue<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Microsoft.AspNetCore" or GptOssTelemetry.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        var trace = ActivityTraceId.CreateRandom();
        var caller = ActivitySpanId.CreateRandom();

        await server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":5}""", Cancellation, $"00-{trace}-{caller}-01");

        await OperationsTests.Eventually(() => ended.Count(activity => activity.TraceId == trace) >= 2);
        var http = ended.Single(activity => activity.TraceId == trace && activity.Source.Name == "Microsoft.AspNetCore");
        var engine = ended.Single(activity => activity.TraceId == trace && activity.Source.Name == GptOssTelemetry.ActivitySourceName);
        http.ParentSpanId.Should().Be(caller);
        engine.ParentSpanId.Should().Be(http.SpanId);
        engine.GetTagItem("gen_ai.usage.output_tokens").Should().Be(5);
        engine.TagObjects.Should().NotContain(tag => tag.Value is string && ((string)tag.Value).Contains("Hi", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Metrics_count_requests_by_their_end_and_time_their_tokens()
    {
        var before = await MetricsAsync();
        await server.PostAsync(Chat, """{"messages":[{"role":"user","content":"What is the capital of France?"}],"temperature":0}""", Cancellation);
        await server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":3}""", Cancellation);
        await OperationsTests.Eventually(() => server.Statistics.RunningRequests == 0);
        var after = await MetricsAsync();

        Difference("request_success_total", "finished_reason=\"stop\"").Should().Be(1);
        Difference("request_success_total", "finished_reason=\"length\"").Should().Be(1);
        foreach (var name in (string[])["time_to_first_token_seconds", "e2e_request_latency_seconds", "request_queue_time_seconds"])
        {
            Difference(name + "_count", "").Should().Be(2, name);
            Difference(name + "_bucket", "le=\"+Inf\"").Should().Be(2, name);
            Difference(name + "_sum", "").Should().BeGreaterThanOrEqualTo(0);
        }

        var tokens = Difference("generation_tokens_total", "");
        tokens.Should().BeGreaterThan(5);
        Difference("inter_token_latency_seconds_count", "").Should().Be(tokens - 2, "the first token of a request follows none");
        Difference("time_per_output_token_seconds_count", "").Should().Be(tokens - 2);

        double Difference(string name, string label) => Value(after, name, label) - Value(before, name, label);
    }

    // Two answers fill the engine's places; whoever comes after them waits in its queue, and leaves.
    [Fact]
    public async Task A_thousand_clients_that_leave_the_queue_leave_no_block_behind()
    {
        const string Endless = """{"prompt":"Once","max_tokens":2000,"stream":true,"logit_bias":{"200002":-100,"200012":-100,"199999":-100}}""";
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var holders = Enumerable.Range(0, 2).Select(_ => HoldAsync(stopping.Token)).ToArray();
        await OperationsTests.Eventually(() => server.Statistics.RunningRequests == 2);
        var left = 0;
        for (var round = 0; round < 20; round++)
        {
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
            var clients = Enumerable.Range(0, 50).Select(_ => server.PostAsync("/v1/completions", Endless, leaving.Token)).ToArray();
            await OperationsTests.Eventually(() => server.Statistics.WaitingRequests >= 50);
            await leaving.CancelAsync();
            foreach (var client in clients)
            {
                await FluentActions.Awaiting(() => client).Should().ThrowAsync<OperationCanceledException>();
                left++;
            }

            await OperationsTests.Eventually(() => server.Statistics.WaitingRequests == 0);
        }

        left.Should().Be(1_000);
        await stopping.CancelAsync();
        await Task.WhenAll(holders);
        await OperationsTests.Eventually(() => server.Statistics is { RunningRequests: 0, WaitingRequests: 0, FullBlocksUsed: 0, SlidingBlocksUsed: 0 });
        (await server.PostAsync(Chat, """{"messages":[{"role":"user","content":"What is the capital of France?"}],"temperature":0}""", Cancellation)).Should().Contain("Paris");

        async Task HoldAsync(CancellationToken cancellationToken)
        {
            try
            {
                while (true)
                {
                    await server.PostAsync("/v1/completions", Endless, cancellationToken);
                }
            }
            catch (OperationCanceledException)
            {
                // stopped
            }
        }
    }

    [Fact]
    public async Task A_conversation_is_tokenized_as_it_is_counted()
    {
        var tokens = JsonDocument.Parse(await server.PostAsync("/tokenize", """{"messages":[{"role":"user","content":"Hi"}]}""", Cancellation)).RootElement;
        var usage = JsonDocument.Parse(await server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1}""", Cancellation)).RootElement.GetProperty("usage");
        tokens.GetProperty("count").GetInt32().Should().Be(usage.GetProperty("prompt_tokens").GetInt32());
        var text = JsonDocument.Parse(await server.PostAsync("/detokenize", $$"""{"tokens":{{tokens.GetProperty("tokens").GetRawText()}}}""", Cancellation)).RootElement;
        text.GetProperty("prompt").GetString().Should().StartWith("<|start|>system<|message|>").And.EndWith("<|start|>user<|message|>Hi<|end|><|start|>assistant");
    }

    private async Task<string[]> MetricsAsync() => (await server.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation)).Split('\n');

    private static double Value(string[] metrics, string name, string label) => metrics
        .Where(line => line.StartsWith($"vllm:{name}{{", StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal))
        .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    private static List<JsonElement> Events(string text) => [.. ServerEvent.Parse(text).Where(found => !found.IsDone).Select(found => found.Json)];

    private static (string Reasoning, string Name, string Arguments) WholeChat(string text)
    {
        var message = JsonDocument.Parse(text).RootElement.GetProperty("choices")[0].GetProperty("message");
        var function = message.GetProperty("tool_calls")[0].GetProperty("function");
        return (message.GetProperty("reasoning").GetString()!, function.GetProperty("name").GetString()!, function.GetProperty("arguments").GetString()!);
    }

    private static (string Reasoning, string Name, string Arguments) StreamedChat(string text)
    {
        var joined = JoinedStream.Of(Events(text));
        return (joined.Reasoning, joined.Calls[0].Name!, joined.Calls[0].Arguments!);
    }

    private static (string Reasoning, string Name, string Arguments) StreamedResponse(string text)
    {
        var events = Events(text);
        events.Should().Contain(found => found.GetProperty("type").GetString() == "response.reasoning_text.delta");
        return Response(events[^1].GetProperty("response"));
    }

    private static (string Reasoning, string Name, string Arguments) Response(JsonElement response)
    {
        var items = response.GetProperty("output").EnumerateArray().ToLookup(item => item.GetProperty("type").GetString());
        var call = items["function_call"].First();
        return (items["reasoning"].First().GetProperty("content")[0].GetProperty("text").GetString()!, call.GetProperty("name").GetString()!, call.GetProperty("arguments").GetString()!);
    }
}
