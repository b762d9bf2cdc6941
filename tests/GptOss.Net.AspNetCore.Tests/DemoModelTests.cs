using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>The server over a real model: what a scripted one cannot show.</summary>
[Collection(DemoServer.Collection)]
public sealed class DemoModelTests(DemoServer server)
{
    private const string Chat = "/v1/chat/completions";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Thirty_prompts_with_tools_are_called_rightly_over_both_APIs_whole_and_streamed() =>
        (await ToolPrompts.ProblemsAsync(DemoServer.Model, (path, body) => server.PostAsync(path, body, Cancellation))).Should().BeEmpty();

    [Fact]
    public async Task Other_allowed_tools_call_others_and_find_the_prompt_in_the_cache()
    {
        var tools = string.Join(',', ToolPrompts.Functions.Select(function => "{\"type\":\"function\",\"function\":" + function + "}"));
        var names = ToolPrompts.Functions.Select(function => JsonNode.Parse(function)!["name"]!.GetValue<string>()).ToArray();
        var computed = new List<int>();
        foreach (var name in names)
        {
            var answer = JsonElement.Parse(await server.PostAsync(Chat, $$$"""
                {"messages":[{"role":"user","content":"What is the weather in Paris?"}],"tools":[{{{tools}}}],"seed":1,"max_tokens":400,
                 "tool_choice":{"type":"allowed_tools",
                  "allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"{{{name}}}"}}]}} }
                """, Cancellation));
            var call = answer.GetProperty("choices")[0].GetProperty("message").GetProperty("tool_calls")[0];
            call.GetProperty("function").GetProperty("name").GetString().Should().Be(name);
            var usage = answer.GetProperty("usage");
            var known = usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();
            computed.Add(usage.GetProperty("prompt_tokens").GetInt32() - known);
        }

        computed.Skip(1).Should().OnlyContain(tokens => tokens <= 16, "all but the last block is known");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_same_seed_gives_the_same_answer_whole_and_streamed(bool responses)
    {
        var path = responses ? ToolPrompts.Responses : Chat;
        var question = responses
            ? "\"input\":\"Tell me a fact.\",\"max_output_tokens\":60"
            : """ "messages":[{"role":"user","content":"Tell me a fact."}],"max_tokens":60""";
        var texts = await Task.WhenAll(Enumerable.Range(0, 5).Select(seed => Task.WhenAll(TextAsync(seed, false), TextAsync(seed, true))));

        texts.Should().OnlyContain(pair => pair[0] == pair[1] && pair[0].Length > 10);

        async Task<string> TextAsync(int seed, bool stream)
        {
            var options = $"\"seed\":{seed},\"temperature\":1,\"stream\":{(stream ? "true" : "false")}";
            var text = await server.PostAsync(path, "{" + question + "," + options + "}", Cancellation);
            return (responses, stream) switch
            {
                (false, false) => Message(JsonElement.Parse(text).GetProperty("choices")[0].GetProperty("message")),
                (false, true) => JoinedStream.Of(Events(text)) is var joined ? $"{joined.Reasoning}|{joined.Content}" : "",
                (true, false) => Texts(JsonElement.Parse(text)),
                (true, true) => Texts(Events(text)[^1].GetProperty("response")),
            };
        }

        static string Message(JsonElement message)
        {
            var reasoning = message.TryGetProperty("reasoning", out var found) ? found.GetString() : "";
            return $"{reasoning}|{message.GetProperty("content").GetString()}";
        }

        static string Texts(JsonElement response) => string.Join('|', response.GetProperty("output").EnumerateArray()
            .SelectMany(item => item.GetProperty("content").EnumerateArray()).Select(part => part.GetProperty("text").GetString()));
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

        await server.PostAsync(
            Chat, """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":5}""", Cancellation, $"00-{trace}-{caller}-01");

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
        await server.PostAsync(
            Chat, """{"messages":[{"role":"user","content":"What is the capital of France?"}],"temperature":0}""", Cancellation);
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

    [Fact]
    public async Task A_conversation_is_tokenized_as_it_is_counted()
    {
        var tokens = JsonDocument.Parse(
            await server.PostAsync("/tokenize", """{"messages":[{"role":"user","content":"Hi"}]}""", Cancellation)).RootElement;
        var usage = JsonDocument.Parse(
            await server.PostAsync(Chat, """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1}""", Cancellation)).RootElement
            .GetProperty("usage");
        tokens.GetProperty("count").GetInt32().Should().Be(usage.GetProperty("prompt_tokens").GetInt32());
        var text = JsonDocument.Parse(await server.PostAsync(
            "/detokenize", $$"""{"tokens":{{tokens.GetProperty("tokens").GetRawText()}}}""", Cancellation)).RootElement;
        text.GetProperty("prompt").GetString().Should()
            .StartWith("<|start|>system<|message|>").And.EndWith("<|start|>user<|message|>Hi<|end|><|start|>assistant");
    }

    private async Task<string[]> MetricsAsync() =>
        (await server.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation)).Split('\n');

    private static double Value(string[] metrics, string name, string label) => metrics
        .Where(line => line.StartsWith($"vllm:{name}{{", StringComparison.Ordinal) && line.Contains(label, StringComparison.Ordinal))
        .Sum(line => double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));

    private static List<JsonElement> Events(string text) =>
        [.. ServerEvent.Parse(text).Where(found => !found.IsDone).Select(found => found.Json)];
}
