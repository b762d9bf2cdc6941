using System.Net;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>Responses over HTTP; each body and event is checked against the data of the Open Responses specification.</summary>
public sealed class ResponseTests
{
    private const string Path = "/v1/responses";
    private const string Hello = """{"model":"scripted","input":"Hi there" """;
    private const string WeatherTool = """
        [{"type":"function","name":"get_weather","description":"d",
        "parameters":{"type":"object","properties":{"location":{"type":"string"}},"required":["location"]}}]
        """;

    private static readonly FunctionCallContent Call =
        new("call_1", "get_weather", new Dictionary<string, object?> { ["location"] = "Paris" })
        {
            RawRepresentation = """{"location":"Paris"}""",
        };

    // Cases 1, 2, 5 and 8 of the specification's suite.
    [Theory]
    [InlineData("""[{"type":"message","role":"user","content":"Say hello."}]""")]
    [InlineData("""
        [{"type":"message","role":"assistant","phase":"commentary","content":"Let me look."},
         {"type":"message","role":"assistant","phase":"final_answer","content":"Here."},{"type":"message","role":"user","content":"And?"}]
        """)]
    [InlineData("""[{"type":"message","role":"system","content":"Be a pirate."}"""
        + """,{"type":"message","role":"user","content":"Say hello."}]""")]
    [InlineData("""[{"role":"user","content":"I am Alice."},{"role":"assistant","content":"Hello Alice."}"""
        + """,{"role":"user","content":"Who am I?"}]""")]
    public async Task A_conversation_gets_a_valid_and_completed_response(string input)
    {
        await using var server = await StartAsync(ScriptedChatClient.Saying("Hello you", "They greet"));
        var answer = await server.PostAsync(Path, $$"""{"model":"scripted","input":{{input}}}""");

        answer.Status.Should().Be(HttpStatusCode.OK, answer.Text);
        OpenResponsesSchema.ShouldBeResponse(answer.Json);
        answer.Json.GetProperty("status").GetString().Should().Be("completed");
        answer.Json.GetProperty("output").EnumerateArray().Select(item => item.GetProperty("type").GetString())
            .Should().Equal("reasoning", "message");
    }

    // Case 4, and what the suite does not check: order, numbers, ids, and that the pieces are the whole.
    [Theory]
    [InlineData(ReasoningEventNames.OpenAI, "response.reasoning_text")]
    [InlineData(ReasoningEventNames.OpenResponses, "response.reasoning")]
    public async Task A_stream_is_valid_event_by_event(ReasoningEventNames names, string reasoningEvent)
    {
        var client = new ScriptedChatClient(
            new TextReasoningContent("I"), new TextReasoningContent(" look"), new TextReasoningContent("") { ProtectedData = "sealed" },
            Preamble.Of("Let me"), Preamble.Of(" see."), Call, new TextContent("It is"), new TextContent(" 18."));
        await using var server = await StartAsync(client, options => options.ReasoningEventNames = names);
        var events = await server.StreamAsync(Path, Hello + $$""","stream":true,"tools":{{WeatherTool}}}""");

        events[^1].IsDone.Should().BeTrue();
        var data = events.SkipLast(1).Select(found => found.Json).ToList();
        data.Select((found, i) => found.GetProperty("sequence_number").GetInt32() == i).Should().OnlyContain(isNext => isNext);
        events.SkipLast(1).Should().OnlyContain(found => found.Name == found.Json.GetProperty("type").GetString());
        foreach (var found in data.Where(
            found => names == ReasoningEventNames.OpenResponses
                || !TypeOf(found).StartsWith("response.reasoning", StringComparison.Ordinal)))
        {
            OpenResponsesSchema.ShouldBeEvent(found);
        }

        data.Select(TypeOf).Should().Equal(
            "response.created", "response.in_progress",
            "response.output_item.added", "response.content_part.added", $"{reasoningEvent}.delta", $"{reasoningEvent}.delta",
            $"{reasoningEvent}.done", "response.content_part.done", "response.output_item.done",
            "response.output_item.added", "response.content_part.added", "response.output_text.delta", "response.output_text.delta",
            "response.output_text.done", "response.content_part.done", "response.output_item.done",
            "response.output_item.added", "response.function_call_arguments.delta", "response.function_call_arguments.done",
            "response.output_item.done",
            "response.output_item.added", "response.content_part.added", "response.output_text.delta", "response.output_text.delta",
            "response.output_text.done", "response.content_part.done", "response.output_item.done",
            "response.completed");
        StreamedItems(data).Should()
            .BeEquivalentTo(data[^1].GetProperty("response").GetProperty("output").EnumerateArray().Select(item => item.GetRawText()));
        data[^1].GetProperty("response").GetProperty("output")[1].GetProperty("phase").GetString().Should().Be("commentary");
        data[^1].GetProperty("response").GetProperty("output")[3].GetProperty("phase").GetString().Should().Be("final_answer");
    }

    // Case 6.
    [Fact]
    public async Task A_call_is_an_item()
    {
        await using var server = await StartAsync(new ScriptedChatClient(new TextReasoningContent("look"), Call));
        var answer = await server.PostAsync(
            Path, $$"""{"model":"scripted","input":[{"role":"user","content":"Weather?"}],"tools":{{WeatherTool}}}""");

        OpenResponsesSchema.ShouldBeResponse(answer.Json);
        var call = answer.Json.GetProperty("output")[1];
        call.GetProperty("type").GetString().Should().Be("function_call");
        call.GetProperty("arguments").GetString().Should().Be("""{"location":"Paris"}""");
        call.GetProperty("call_id").GetString().Should().Be("call_1");
    }

    [Fact]
    public async Task Two_calls_are_two_items_streamed_as_whole()
    {
        var second = new FunctionCallContent("call_2", "get_weather", new Dictionary<string, object?> { ["location"] = "Rome" });
        await using var server = await StartAsync(new ScriptedChatClient(new TextReasoningContent("look"), Call, second));
        var body = $$"""{"model":"scripted","input":"Weather?","tools":{{WeatherTool}}""";
        var whole = Calls((await server.PostAsync(Path, body + "}")).Json);
        whole.Should().Equal("""call_1 {"location":"Paris"}""", """call_2 {"location":"Rome"}""");

        var events = (await server.StreamAsync(Path, body + ""","stream":true}""")).SkipLast(1).Select(found => found.Json).ToList();
        Calls(events[^1].GetProperty("response")).Should().Equal(whole);
        StreamedItems(events).Should().HaveCount(3);
        events.Where(found => TypeOf(found) == "response.function_call_arguments.done")
            .Select(found => found.GetProperty("output_index").GetInt32()).Should().Equal(1, 2);

        static List<string> Calls(JsonElement response) => [.. response.GetProperty("output").EnumerateArray().Skip(1)
            .Select(item => $"{item.GetProperty("call_id").GetString()} {item.GetProperty("arguments").GetString()}")];
    }

    // Case 7 is refused, knowingly: gpt-oss reads text only.
    [Fact]
    public async Task A_picture_is_refused_with_the_reason()
    {
        await using var server = await StartAsync(ScriptedChatClient.Saying("x"));
        var answer = await server.PostAsync(Path, """
            {"model":"scripted","input":[{"role":"user",
            "content":[{"type":"input_text","text":"What?"},{"type":"input_image","image_url":"data:image/png;base64,AA=="}]}]}
            """);
        answer.Status.Should().Be(HttpStatusCode.BadRequest);
        answer.Error.GetProperty("param").GetString().Should().Be("input[0].content[1].type");
        answer.Error.GetProperty("message").GetString().Should().Contain("text only");
    }

    [Fact]
    public async Task An_answer_that_is_cut_off_is_incomplete_as_is_its_last_item()
    {
        await using var server = await StartAsync(new ScriptedChatClient(new TextReasoningContent("a"), new TextContent("b"))
        {
            FinishReason = ChatFinishReason.Length,
        });
        var body = (await server.PostAsync(Path, Hello + ""","max_output_tokens":2}""")).Json;
        OpenResponsesSchema.ShouldBeResponse(body);
        body.GetProperty("status").GetString().Should().Be("incomplete");
        body.GetProperty("incomplete_details").GetProperty("reason").GetString().Should().Be("max_output_tokens");
        body.GetProperty("output")[0].GetProperty("status").GetString().Should().Be("completed");
        body.GetProperty("output")[1].GetProperty("status").GetString().Should().Be("incomplete");
        (await server.StreamAsync(Path, Hello + ""","stream":true}"""))[^2].Name.Should().Be("response.incomplete");
    }

    [Fact]
    public async Task Three_ways_to_go_on_give_the_same_conversation()
    {
        var client = new ScriptedChatClient(
            new TextReasoningContent("look"), new TextReasoningContent("") { ProtectedData = "sealed" }, Preamble.Of("One moment."), Call);
        await using var server = await StartAsync(client);
        var first =
            (await server.PostAsync(Path, Hello + $$""","tools":{{WeatherTool}},"include":["reasoning.encrypted_content"]}""")).Json;
        const string Result = """{"type":"function_call_output","call_id":"call_1","output":[{"type":"input_text","text":"18"}]}""";
        var output = string.Join(',', first.GetProperty("output").EnumerateArray().Select(item => item.GetRawText()));
        var withNulls = output.Replace("\"status\":\"completed\"", "\"status\":null", StringComparison.Ordinal)
            .Replace("\"summary\":[]", "\"summary\":[],\"content\":null", StringComparison.Ordinal);
        var id = first.GetProperty("id").GetString();
        string[] bodies =
        [
            $$"""{"previous_response_id":"{{id}}","input":[{{Result}}]}""",
            $$"""{"store":false,"input":[{"role":"user","content":"Hi there"},{{output}},{{Result}}]}""",
            $$"""{"store":false,"input":[{"role":"user","content":"Hi there"},{{withNulls}},{{Result}}]}""",
        ];
        foreach (var body in bodies)
        {
            (await server.PostAsync(Path, body)).Status.Should().Be(HttpStatusCode.OK);
        }

        var conversations = client.Requests.Skip(1).Select(request => Describe(request.Messages)).ToList();
        conversations[0].Should()
            .Be("user:Hi there|assistant:(sealed)|assistant:One moment.|assistant:get_weather{\"location\":\"Paris\"}|tool:18");
        conversations.Distinct().Should().ContainSingle();
    }

    [Fact]
    public async Task Responses_are_kept_read_and_deleted()
    {
        await using var server = await StartAsync(ScriptedChatClient.Saying("Hello", "think"));
        var first = (await server.PostAsync(Path, Hello + "}")).Json;
        var id = first.GetProperty("id").GetString()!;

        (await server.GetAsync($"{Path}/{id}")).Text.Should().Be(first.GetRawText());
        var items = (await server.GetAsync($"{Path}/{id}/input_items")).Json;
        items.GetProperty("data")[0].GetProperty("content")[0].GetProperty("text").GetString().Should().Be("Hi there");
        items.GetProperty("has_more").GetBoolean().Should().BeFalse();
        var replay = ServerEvent.Parse((await server.GetAsync($"{Path}/{id}?stream=true&starting_after=1")).Text);
        replay[0].Json.GetProperty("sequence_number").GetInt32().Should().Be(2);
        replay[^2].Name.Should().Be("response.completed");
        (await server.PostAsync($"{Path}/{id}/cancel", "{}")).Status.Should().Be(HttpStatusCode.BadRequest);

        using var delete = new HttpRequestMessage(HttpMethod.Delete, $"{Path}/{id}");
        (await server.SendAsync(delete)).Json.GetProperty("deleted").GetBoolean().Should().BeTrue();
        (await server.GetAsync($"{Path}/{id}")).Status.Should().Be(HttpStatusCode.NotFound);
        var next = await server.PostAsync(Path, $$"""{"input":"x","previous_response_id":"{{id}}"}""");
        next.Status.Should().Be(HttpStatusCode.BadRequest);
        next.Error.GetProperty("code").GetString().Should().Be("previous_response_not_found");
        next.Error.GetProperty("param").GetString().Should().Be("previous_response_id");
    }

    [Fact]
    public async Task An_item_can_be_named_and_what_is_not_stored_cannot()
    {
        var client = ScriptedChatClient.Saying("Hello");
        await using var server = await StartAsync(client);
        var item = (await server.PostAsync(Path, Hello + "}")).Json.GetProperty("output")[0].GetProperty("id").GetString();
        var named =
            await server.PostAsync(Path, $$"""{"input":[{"type":"item_reference","id":"{{item}}"},{"role":"user","content":"go on"}]}""");
        named.Status.Should().Be(HttpStatusCode.OK, named.Text);
        Describe(client.Requests.Last().Messages).Should().Be("assistant:Hello|user:go on");

        var unstored = (await server.PostAsync(Path, Hello + ""","store":false}""")).Json;
        (await server.GetAsync($"{Path}/{unstored.GetProperty("id").GetString()}")).Status.Should().Be(HttpStatusCode.NotFound);
        var unknown = await server.PostAsync(Path, """{"input":[{"type":"item_reference","id":"msg_0"}]}""");
        unknown.Status.Should().Be(HttpStatusCode.NotFound);
        unknown.Error.GetProperty("message").GetString().Should().Contain("'store': false");
    }

    [Fact]
    public async Task The_response_of_another_key_is_not_there()
    {
        await using var server = await StartAsync(ScriptedChatClient.Saying("Hello"), options =>
        {
            options.ApiKeys.Add("a");
            options.ApiKeys.Add("b");
        });
        var id = (await server.PostAsync(Path, Hello + "}", ("Authorization", "Bearer a"))).Json.GetProperty("id").GetString();
        (await server.GetAsync($"{Path}/{id}", ("x-api-key", "a"))).Status.Should().Be(HttpStatusCode.OK);
        (await server.GetAsync($"{Path}/{id}", ("x-api-key", "b"))).Status.Should().Be(HttpStatusCode.NotFound);
        (await server.PostAsync(Path, $$"""{"input":"x","previous_response_id":"{{id}}"}""", ("x-api-key", "b")))
            .Error.GetProperty("code").GetString().Should().Be("previous_response_not_found");
    }

    [Fact]
    public async Task A_failure_in_the_middle_is_an_error_and_a_failed_response()
    {
        await using var server = await StartAsync(new ScriptedChatClient(_ => FailAsync()));
        var events = await server.StreamAsync(Path, Hello + ""","stream":true}""");
        events.SkipLast(1).Select(found => found.Json).ToList().ForEach(OpenResponsesSchema.ShouldBeEvent);
        events[^3].Name.Should().Be("error");
        events[^3].Json.GetProperty("code").GetString().Should().Be("server_error");
        events[^2].Name.Should().Be("response.failed");
        events[^2].Json.GetProperty("response").GetProperty("error").GetProperty("message").GetString().Should().NotContain("secret");
        events[^1].IsDone.Should().BeTrue();
    }

    [Fact]
    public async Task A_background_response_is_asked_for_later_and_can_be_cancelled()
    {
        var release = new TaskCompletionSource();
        await using var server = await StartAsync(new ScriptedChatClient(request => WaitAsync(release.Task, request.CancellationToken)));
        var begun = (await server.PostAsync(Path, Hello + ""","background":true}""")).Json;
        OpenResponsesSchema.ShouldBeResponse(begun);
        begun.GetProperty("status").GetString().Should().Be("queued");
        var other = (await server.PostAsync(Path, Hello + ""","background":true}""")).Json.GetProperty("id").GetString();
        var cancelled = (await server.PostAsync($"{Path}/{other}/cancel", "{}")).Json;
        cancelled.GetProperty("status").GetString().Should().Be("cancelled");
        OpenResponsesSchema.ShouldBeResponse(cancelled);

        var listening = server.GetAsync($"{Path}/{begun.GetProperty("id").GetString()}?stream=true");
        release.SetResult();
        ServerEvent.Parse((await listening).Text)[^2].Name.Should().Be("response.completed");
        (await server.GetAsync($"{Path}/{begun.GetProperty("id").GetString()}")).Json.GetProperty("status").GetString().Should()
            .Be("completed");
    }

    [Fact]
    public async Task Tools_of_services_are_skipped_and_those_of_namespaces_joined_and_split()
    {
        var client = new ScriptedChatClient(new FunctionCallContent("c", "mcp__files__read", new Dictionary<string, object?>()));
        await using var server = await StartAsync(client);
        var answer = await server.PostAsync(Path, Hello + """
            ,"tools":[{"type":"web_search"},{"type":"namespace","name":"mcp__files__",
            "tools":[{"type":"function","name":"read","parameters":{"type":"object"}}]}]}
            """);
        client.Requests.Single().Options.Tools.Should().ContainSingle().Which.Name.Should().Be("mcp__files__read");
        var call = answer.Json.GetProperty("output")[0];
        call.GetProperty("name").GetString().Should().Be("read");
        call.GetProperty("namespace").GetString().Should().Be("mcp__files__");
        call.GetProperty("arguments").GetString().Should().Be("{}");
        (await server.PostAsync(Path, Hello + ""","tools":[{"type":"web_search"}],"tool_choice":{"type":"web_search"}}"""))
            .Status.Should().Be(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("\"mode\":\"required\",", "required")]
    [InlineData("\"mode\":\"auto\",", "auto")]
    [InlineData("", "auto")]
    public async Task Tools_that_are_not_allowed_stay_in_the_prompt(string member, string mode)
    {
        var client = ScriptedChatClient.Saying("Hi");
        await using var server = await StartAsync(client);
        var answer = await server.PostAsync(Path, Hello + $$$"""
            ,"tools":[{"type":"function","name":"f"},{"type":"function","name":"g"}],
             "tool_choice":{"type":"allowed_tools",{{{member}}}"tools":[{"type":"function","name":"f"}]}}
            """);

        answer.Status.Should().Be(HttpStatusCode.OK, answer.Text);
        OpenResponsesSchema.ShouldBeResponse(answer.Json);
        answer.Json.GetProperty("tools").GetArrayLength().Should().Be(2);
        answer.Json.GetProperty("tool_choice").GetProperty("mode").GetString().Should().Be(mode);
        var options = client.Requests.Single().Options;
        options.Tools!.Select(tool => tool.Name).Should().Equal("f", "g");
        options.ToolMode.Should().Be(mode == "auto" ? ChatToolMode.Auto : ChatToolMode.RequireAny);
        options.RawRepresentationFactory!(client).Should().BeOfType<GptOssRequestOptions>().Which.AllowedTools.Should().Equal("f");
    }

    private static Task<TestServer> StartAsync(ScriptedChatClient client, Action<OpenAIServerOptions>? configure = null) =>
        TestServer.StartAsync(client, configure);

    private static string TypeOf(JsonElement found) => found.GetProperty("type").GetString()!;

    /// <summary>The items as their last events have them, each with an id that all its events share.</summary>
    private static List<string> StreamedItems(IReadOnlyList<JsonElement> events)
    {
        var done = events.Where(found => TypeOf(found) == "response.output_item.done").ToList();
        for (var i = 0; i < done.Count; i++)
        {
            var id = done[i].GetProperty("item").GetProperty("id").GetString();
            events.Where(found => found.TryGetProperty("output_index", out var index) && index.GetInt32() == i)
                .Select(
                    found => found.TryGetProperty("item_id", out var item)
                        ? item.GetString()
                        : found.GetProperty("item").GetProperty("id").GetString())
                .Distinct().Should().Equal(id);
            var deltas = string.Concat(events
                .Where(
                    found => TypeOf(found).EndsWith(".delta", StringComparison.Ordinal)
                        && found.GetProperty("output_index").GetInt32() == i)
                .Select(found => found.GetProperty("delta").GetString()));
            var item = done[i].GetProperty("item");
            deltas.Should().Be(item.TryGetProperty("arguments", out var arguments)
                ? arguments.GetString()
                : item.GetProperty("content")[0].GetProperty("text").GetString());
        }

        return [.. done.Select(found => found.GetProperty("item").GetRawText())];
    }

    private static string Describe(IEnumerable<ChatMessage> messages) => string.Join('|', messages.Select(message =>
        $"{message.Role}:" + string.Concat(message.Contents.Select(content => content switch
        {
            TextReasoningContent reasoning => $"({reasoning.ProtectedData})",
            FunctionCallContent call => call.Name + call.RawRepresentation,
            FunctionResultContent result => result.Result?.ToString(),
            _ => content.ToString(),
        }))));

    private static async IAsyncEnumerable<AIContent> FailAsync()
    {
        yield return new TextContent("half");
        await Task.Yield();
        throw new InvalidOperationException("secret");
    }

    private static async IAsyncEnumerable<AIContent> WaitAsync(
        Task release, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new TextContent("a");
        await release.WaitAsync(cancellationToken);
        yield return new TextContent("b");
    }
}
