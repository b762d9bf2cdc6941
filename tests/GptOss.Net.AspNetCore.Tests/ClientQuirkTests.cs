using System.Net;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>What real clients break on, each found in a report against some server.</summary>
public sealed class ClientQuirkTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Responses = "/v1/responses";
    private const string Messages = "/v1/messages";
    private const string Hi = "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]";
    private const string Tools = """ "tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]""";

    private static readonly FunctionCallContent NoArguments = new("call_1", "f", new Dictionary<string, object?>(StringComparer.Ordinal));
    private static readonly FunctionCallContent Second =
        new("call_2", "g", new Dictionary<string, object?>(StringComparer.Ordinal) { ["x"] = 1 });

    // OpenAI .NET, AI SDK: the first delta of a call is complete; later ones repeat neither type, id nor name, least of all as "".
    // Proxies: two calls have two indexes. Tools without arguments: "{}". OpenAI .NET: arguments are a string.
    [Fact]
    public async Task Deltas_of_calls_are_complete_once_and_counted_up()
    {
        await using var server =
            await TestServer.StartAsync(new ScriptedChatClient(new TextReasoningContent("think"), NoArguments, Second));
        var events = await server.StreamAsync(Chat, $$"""{{{Hi}},{{Tools}},"stream":true}""");
        var deltas = events.Where(found => !found.IsDone).Select(found => found.Json.GetProperty("choices")[0].GetProperty("delta"))
            .Where(delta => delta.TryGetProperty("tool_calls", out _)).Select(delta => delta.GetProperty("tool_calls")[0]).ToList();
        foreach (var call in deltas.GroupBy(delta => delta.GetProperty("index").GetInt32()))
        {
            call.First().GetProperty("type").GetString().Should().Be("function");
            call.First().GetProperty("id").GetString().Should().NotBeEmpty();
            call.First().GetProperty("function").GetProperty("name").GetString().Should().NotBeEmpty();
            call.Skip(1).Should().OnlyContain(
                delta => !HasMember(delta, "type") && !HasMember(delta, "id") && !HasMember(delta.GetProperty("function"), "name"));
            JsonDocument.Parse(string.Concat(call.Select(delta => delta.GetProperty("function").GetProperty("arguments").GetString())))
                .RootElement.ValueKind.Should().Be(JsonValueKind.Object);
        }

        deltas.Select(delta => delta.GetProperty("index").GetInt32()).Distinct().Should().Equal(0, 1);
        var whole = (await server.PostAsync(Chat, "{" + Hi + "," + Tools + "}")).Json.GetProperty("choices")[0];
        whole.GetProperty("message").GetProperty("tool_calls")[0].GetProperty("function").GetProperty("arguments").GetString()
            .Should().Be("{}");

        // LangChain and agents go on only for this reason.
        whole.GetProperty("finish_reason").GetString().Should().Be("tool_calls");
    }

    // OpenAI .NET throws on "" and null at the end. Agent Framework: no chunk without choices but the usage that was asked for. Open WebUI
    // waits for [DONE].
    [Fact]
    public async Task A_stream_ends_with_one_reason_and_done_and_has_no_chunk_without_choices()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("one two"));
        var events = await server.StreamAsync(Chat, $$"""{{{Hi}},"stream":true}""");
        events[^1].IsDone.Should().BeTrue();
        var reasons = events.SkipLast(1)
            .Select(found => found.Json.GetProperty("choices").EnumerateArray().Single().GetProperty("finish_reason"))
            .Where(reason => reason.ValueKind == JsonValueKind.String).Select(reason => reason.GetString());
        reasons.Should().Equal("stop");
    }

    // M.E.AI, Dify and AnythingLLM read reasoning_content, others reasoning; LiteLLM and vLLM send back one of them.
    [Theory]
    [InlineData("reasoning")]
    [InlineData("reasoning_content")]
    public async Task Reasoning_is_said_under_both_names_and_read_under_either(string name)
    {
        var client = ScriptedChatClient.Saying("x", "why");
        await using var server = await TestServer.StartAsync(client);
        var delta = (await server.StreamAsync(Chat, $$"""{{{Hi}},"stream":true}"""))[1].Json.GetProperty("choices")[0].GetProperty("delta");
        delta.GetProperty("reasoning").GetString().Should().Be(delta.GetProperty("reasoning_content").GetString());
        await server.PostAsync(
            Chat,
            $$"""{"messages":[{"role":"user","content":"Hi"},{"role":"assistant","{{name}}":"before","content":"x"}"""
            + $$""",{"role":"user","content":"And?"}]}""");
        client.Requests.Last().Messages[1].Contents.OfType<TextReasoningContent>().Single().Text.Should().Be("before");
    }

    // LangChain drops reasoning: the server remembers it by the call, for the same caller only.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Reasoning_that_a_client_drops_is_remembered_by_its_call(bool stream)
    {
        var client = new ScriptedChatClient(new TextReasoningContent("look"), new TextReasoningContent(" it up"), NoArguments);
        await using var server = await TestServer.StartAsync(client, options =>
        {
            options.ApiKeys.Add("a");
            options.ApiKeys.Add("b");
        });
        await server.PostAsync(Chat, "{" + Hi + "," + Tools + ",\"stream\":" + (stream ? "true}" : "false}"), ("x-api-key", "a"));
        const string Next = """{"messages":[{"role":"user","content":"Hi"}"""
            + """,{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}"""
            + """,{"role":"tool","tool_call_id":"call_1","content":"18"}]}""";
        await server.PostAsync(Chat, Next, ("x-api-key", "a"));
        client.Requests.Last().Messages[1].Contents[0].Should().BeOfType<TextReasoningContent>().Which.Text.Should().Be("look it up");
        await server.PostAsync(Chat, Next, ("x-api-key", "b"));
        client.Requests.Last().Messages[1].Contents.OfType<TextReasoningContent>().Should().BeEmpty();
    }

    [Theory]
    // Agents SDK, rig: empty content, null, parts in assistant and tool messages. Home Assistant, pi: the role developer.
    [InlineData("""{"messages":[{"role":"developer","content":"d"},{"role":"user","content":"Hi"},{"role":"assistant","content":[]}"""
        + """,{"role":"user","content":[{"type":"text","text":"a"}]}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}"""
        + """,{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":{"x":1}}}]}"""
        + """,{"role":"tool","tool_call_id":"c","content":[{"type":"text","text":"18"}]}]}""")]
    // livekit, Home Assistant: store, metadata and other fields of the original.
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}],"store":true,"metadata":{"a":"b"}"""
        + ""","user":"u","service_tier":"auto","prompt_cache_key":"k","safety_identifier":"s","verbosity":"low"}""")]
    // VS Code and proxies: efforts that the model does not have.
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}],"reasoning_effort":"xhigh"}""")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}],"reasoning_effort":"minimal"}""")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}],"reasoning_effort":"none"}""")]
    // Others refuse one of the formats.
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"text"}}""")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}],"response_format":{"type":"json_object"}}""")]
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}]"""
        + ""","response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"},"strict":null}}}""")]
    // A limit over the context is the context's.
    [InlineData("""{"messages":[{"role":"user","content":"Hi"}],"max_tokens":10000000}""")]
    public async Task What_clients_of_the_original_send_is_taken(string body)
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"));
        var answer = await server.PostAsync(Chat, body);
        answer.Status.Should().Be(HttpStatusCode.OK, answer.Text);
    }

    // The Agents SDK sends a format with tools on each turn: both reach the model, where the schema binds the last answer only.
    [Fact]
    public async Task A_format_and_tools_go_together()
    {
        var client = ScriptedChatClient.Saying("{}");
        await using var server = await TestServer.StartAsync(client);
        await server.PostAsync(Chat, "{" + Hi + "," + Tools + ",\"response_format\":{\"type\":\"json_object\"}}");
        client.Requests.Single().Options.Tools.Should().HaveCount(2);
        client.Requests.Single().Options.ResponseFormat.Should().BeOfType<ChatResponseFormatJson>();
    }

    // AI SDK refers to items of before; those that are not kept are a 404 that says what to do.
    [Fact]
    public async Task References_to_items_are_followed_or_explained()
    {
        var client = ScriptedChatClient.Saying("Hello", "why");
        await using var server = await TestServer.StartAsync(client);
        var first = (await server.PostAsync(Responses, """{"input":"Hi"}""")).Json.GetProperty("output");
        var id = first[first.GetArrayLength() - 1].GetProperty("id").GetString();
        (await server.PostAsync(
            Responses,
            $$"""{"input":[{"role":"user","content":"Hi"},{"type":"item_reference","id":"{{id}}"}"""
            + $$""",{"role":"user","content":"And?"}]}""")).Status
            .Should()
            .Be(HttpStatusCode.OK);
        client.Requests.Last().Messages.Select(message => message.Text).Should().Equal("Hi", "Hello", "And?");
        var unknown = await server.PostAsync(Responses, """{"input":[{"type":"item_reference","id":"msg_none"}]}""");
        unknown.Status.Should().Be(HttpStatusCode.NotFound);
        unknown.Error.GetProperty("message").GetString().Should().Contain("'store': false");
    }

    // Codex takes items from output_item.done, waits for response.completed, and sends tools that a service would run, namespaces and
    // custom ones.
    [Fact]
    public async Task Codex_gets_all_done_events_its_namespaces_and_an_end()
    {
        var client = new ScriptedChatClient(
            new TextReasoningContent("think"),
            new FunctionCallContent("call_1", "mcp__files__read", new Dictionary<string, object?>(StringComparer.Ordinal)));
        await using var server = await TestServer.StartAsync(client);
        var events = await server.StreamAsync(Responses, """
            {"input":"Hi","stream":true,"store":false,"include":["reasoning.encrypted_content"],
            "tools":[{"type":"web_search"},{"type":"local_shell"},
             {"type":"custom","name":"apply_patch"},
             {"type":"namespace","name":"mcp__files","tools":[{"type":"function","name":"read","parameters":{}}]}]}
            """);
        events.Count(found => found.Name == "response.output_item.done").Should().Be(2);
        events[^1].IsDone.Should().BeTrue();
        events[^2].Name.Should().Be("response.completed");
        var call = events.Last(found => found.Name == "response.output_item.done").Json.GetProperty("item");
        call.GetProperty("name").GetString().Should().Be("read");
        call.GetProperty("namespace").GetString().Should().Be("mcp__files");
        events[^2].Json.GetProperty("response").GetProperty("usage").GetProperty("total_tokens").GetInt32().Should().BePositive();
    }

    // Claude Code counts tokens often, shows what message_start says, sends a line that changes each time, and asks for more than fits.
    [Fact]
    public async Task Claude_Code_gets_counts_and_its_billing_line_does_not_reach_the_model()
    {
        var client = ScriptedChatClient.Saying("Hello");
        await using var server = await TestServer.StartAsync(client, services: services => ScriptedTokenModel.AddTo(services));
        const string Body = """ "model":"scripted","system":[{"type":"text","text":"x-anthropic-billing-header: cch=1a2b;"}"""
            + """,{"type":"text","text":"Be brief"}],"messages":[{"role":"user","content":"Hi"}]""";
        var counted = (await server.PostAsync(Messages + "/count_tokens", "{" + Body + "}")).Json.GetProperty("input_tokens").GetInt32();
        var events = await server.StreamAsync(Messages, $$"""{{{Body}},"max_tokens":32000,"stream":true}""");
        events[0].Json.GetProperty("message").GetProperty("usage").GetProperty("input_tokens").GetInt32().Should()
            .Be(counted).And.BePositive();
        client.Requests.Last().Messages[0].Text.Should().Be("Be brief");
    }

    // Case 3 of the Open Responses suite: a response with phases, as a literal, is valid. (That our own have them valid is tested with the
    // others.)
    [Fact]
    public void A_response_whose_messages_have_phases_is_valid()
    {
        const string Message = """{"type":"message","id":"msg_PHASE","status":"completed","role":"assistant","phase":"PHASE","content":"""
            + """[{"type":"output_text","text":"x","annotations":[],"logprobs":[]}]}""";
        OpenResponsesSchema.ShouldBeResponse(JsonElement.Parse($$$"""
            {"id":"resp_1","object":"response","created_at":1,"completed_at":2,"status":"completed","incomplete_details":null,"error":null,
            "model":"m","previous_response_id":null,
             "instructions":null,"output":[{{{Message.Replace("PHASE", "commentary", StringComparison.Ordinal)}}},
             {{{Message.Replace("PHASE", "final_answer", StringComparison.Ordinal)}}}],
             "tools":[],"tool_choice":"auto","parallel_tool_calls":true,"text":{"format":{"type":"text"}},"truncation":"disabled",
             "temperature":1,"top_p":1,"presence_penalty":0,
             "frequency_penalty":0,"top_logprobs":0,"reasoning":null,"usage":null,"max_output_tokens":null,"max_tool_calls":null,
             "store":true,"background":false,
             "service_tier":"default","metadata":{},"safety_identifier":null,"prompt_cache_key":null}
            """));
    }

    private static bool HasMember(JsonElement element, string name) => element.TryGetProperty(name, out _);
}
