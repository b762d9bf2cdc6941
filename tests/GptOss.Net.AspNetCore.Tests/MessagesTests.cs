using System.Net;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>Anthropic's form, which coding agents use.</summary>
public sealed class MessagesTests
{
    private const string Path = "/v1/messages";
    private const string Hello = """{"model":"scripted","max_tokens":100,"messages":[{"role":"user","content":"Hi there"}]""";

    private static readonly FunctionCallContent Call = new("toolu_1", "get_weather", new Dictionary<string, object?> { ["city"] = "Paris" })
    {
        RawRepresentation = """{"city":"Paris"}""",
    };

    [Fact]
    public async Task A_whole_answer_has_blocks_and_usage()
    {
        await using var server = await TestServer.StartAsync(new ScriptedChatClient(
            new TextReasoningContent("look"), new TextReasoningContent("") { ProtectedData = "sealed" }, new TextContent("I look"), Call));
        var body = (await server.PostAsync(Path, Hello + "}")).Json;

        body.GetProperty("stop_reason").GetString().Should().Be("tool_use");
        var content = body.GetProperty("content");
        content[0].GetProperty("thinking").GetString().Should().Be("look");
        content[0].GetProperty("signature").GetString().Should().Be("sealed");
        content[1].GetProperty("text").GetString().Should().Be("I look");
        content[2].GetProperty("type").GetString().Should().Be("tool_use");
        content[2].GetProperty("input").GetProperty("city").GetString().Should().Be("Paris");
        body.GetProperty("usage").GetProperty("input_tokens").GetInt32().Should().Be(1);
        body.GetProperty("usage").GetProperty("cache_read_input_tokens").GetInt32().Should().Be(1);
        body.GetProperty("stop_sequence").ValueKind.Should().Be(JsonValueKind.Null);
    }

    [Fact]
    public async Task A_stream_has_one_start_and_stop_for_each_block()
    {
        await using var server = await TestServer.StartAsync(new ScriptedChatClient(
            new TextReasoningContent("lo"), new TextReasoningContent("ok") { ProtectedData = "sealed" }, new TextContent("I "),
            new TextContent("look"), Call));
        var events = await server.StreamAsync(Path, Hello + ""","stream":true}""");

        events.Select(found => found.Name).Should().Equal(
            "message_start",
            "content_block_start", "content_block_delta", "content_block_delta", "content_block_delta", "content_block_stop",
            "content_block_start", "content_block_delta", "content_block_delta", "content_block_stop",
            "content_block_start", "content_block_delta", "content_block_stop",
            "message_delta", "message_stop");
        events.Should().OnlyContain(found => found.Name == found.Json.GetProperty("type").GetString());
        events.Where(found => found.Name == "content_block_start").Select(found => found.Json.GetProperty("index").GetInt32()).Should()
            .Equal(0, 1, 2);
        events[4].Json.GetProperty("delta").GetProperty("signature").GetString().Should().Be("sealed");
        events[10].Json.GetProperty("content_block").GetProperty("input").GetRawText().Should().Be("{}");
        events[^2].Json.GetProperty("delta").GetProperty("stop_reason").GetString().Should().Be("tool_use");
        events[^2].Json.GetProperty("usage").GetProperty("output_tokens").GetInt32().Should().Be(5);
    }

    [Fact]
    public async Task A_conversation_with_results_is_mapped_results_first()
    {
        var client = ScriptedChatClient.Saying("ok");
        await using var server = await TestServer.StartAsync(client);
        var answer = await server.PostAsync(Path, """
            {"model":"scripted","max_tokens":10,"system":[{"type":"text","text":"x-anthropic-billing-header: 1"},
            {"type":"text","text":"Be brief","cache_control":{"type":"ephemeral"}}],
             "tools":[{"name":"f","input_schema":{"type":"object"}},{"type":"bash_20250124","name":"bash"}],"tool_choice":{"type":"any"},
             "thinking":{"type":"enabled","budget_tokens":50},"stop_sequences":["X"],"metadata":{"user_id":"u"},
             "messages":[{"role":"user","content":"Go"},
              {"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},
              {"type":"tool_use","id":"t1","name":"f","input":{"a":1}}]},
              {"role":"user","content":[{"type":"text","text":"and"},
              {"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"18"}],"is_error":true}]}]}
            """);

        answer.Status.Should().Be(HttpStatusCode.OK, answer.Text);
        var (messages, options, _) = client.Requests.Single();
        messages.Select(message => message.Role.Value).Should().Equal("system", "user", "assistant", "tool", "user");
        messages[0].Text.Should().Be("Be brief");
        messages[2].Contents.OfType<TextReasoningContent>().Single().ProtectedData.Should().Be("s");
        messages[3].Contents.OfType<FunctionResultContent>().Single().Result.Should().Be("Error: 18");
        options.Tools.Should().ContainSingle();
        options.ToolMode.Should().Be(ChatToolMode.RequireAny);
        options.StopSequences.Should().Equal("X");
        client.Requests.Single().Own.ReasoningBudget.Should().Be(50);
    }

    [Theory]
    [InlineData("""{"model":"scripted","messages":[{"role":"user","content":"x"}]}""", 400, "invalid_request_error")]
    [InlineData("""{"model":"other","max_tokens":1,"messages":[{"role":"user","content":"x"}]}""", 404, "not_found_error")]
    [InlineData("""{"model":"scripted","max_tokens":1,"messages":[{"role":"user","content":[{"type":"image"}]}]}""", 400,
        "invalid_request_error")]
    public async Task Errors_have_the_form_of_Anthropics_API(string body, int status, string type)
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"));
        var answer = await server.PostAsync(Path, body, ("anthropic-version", "2023-06-01"));
        ((int)answer.Status).Should().Be(status);
        answer.Json.GetProperty("type").GetString().Should().Be("error");
        answer.Error.GetProperty("type").GetString().Should().Be(type);
        answer.Json.GetProperty("request_id").GetString().Should().Be(answer.Headers["x-request-id"]);
    }
}
