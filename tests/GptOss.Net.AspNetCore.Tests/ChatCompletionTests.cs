using System.Net;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Tests;

public sealed class ChatCompletionTests
{
    private const string Path = "/v1/chat/completions";
    private const string Hello = """{"model":"scripted","messages":[{"role":"user","content":"Hi there"}]""";

    private static readonly FunctionCallContent Call =
        new("call_1", "get_weather", new Dictionary<string, object?>(StringComparer.Ordinal) { ["city"] = "Paris" })
        {
            RawRepresentation = """{"city":"Paris"}""",
        };

    [Fact]
    public async Task A_whole_answer_has_text_reasoning_and_usage()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("Hello, wörld 你好", "They greet"));
        var answer = await server.PostAsync(Path, Hello + "}");

        answer.Status.Should().Be(HttpStatusCode.OK);
        var choice = answer.Json.GetProperty("choices")[0];
        choice.GetProperty("finish_reason").GetString().Should().Be("stop");
        choice.GetProperty("logprobs").ValueKind.Should().Be(JsonValueKind.Null);
        var message = choice.GetProperty("message");
        message.GetProperty("content").GetString().Should().Be("Hello, wörld 你好");
        message.GetProperty("reasoning").GetString().Should().Be("They greet");
        message.GetProperty("reasoning_content").GetString().Should().Be("They greet");
        message.GetProperty("refusal").ValueKind.Should().Be(JsonValueKind.Null);
        message.TryGetProperty("tool_calls", out _).Should().BeFalse();
        var usage = answer.Json.GetProperty("usage");
        usage.GetProperty("prompt_tokens").GetInt32().Should().Be(2);
        usage.GetProperty("completion_tokens").GetInt32().Should().Be(5);
        usage.GetProperty("total_tokens").GetInt32().Should().Be(7);
        usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32().Should().Be(1);
        usage.GetProperty("completion_tokens_details").GetProperty("reasoning_tokens").GetInt32().Should().Be(2);
        answer.Headers.Should().ContainKey("x-request-id");
    }

    [Fact]
    public async Task A_stream_joined_is_the_whole_answer()
    {
        await using var server = await TestServer.StartAsync(
            new ScriptedChatClient(new TextReasoningContent("Look"), new TextContent("Let me"), new TextContent(" see."), Call));
        var whole = (await server.PostAsync(Path, Hello + "}")).Json.GetProperty("choices")[0];
        var events = await server.StreamAsync(Path, Hello + ""","stream":true}""");

        events[^1].IsDone.Should().BeTrue();
        var chunks = events.SkipLast(1).Select(found => found.Json).ToList();
        chunks.Should().OnlyContain(chunk => chunk.GetProperty("choices").GetArrayLength() == 1);
        chunks.Where(chunk => chunk.TryGetProperty("usage", out _)).Should().BeEmpty();
        chunks.Select(chunk => chunk.GetProperty("id").GetString()).Distinct(StringComparer.Ordinal).Should().ContainSingle();
        var joined = JoinedStream.Of(chunks);
        joined.Role.Should().Be("assistant");
        joined.Content.Should().Be(whole.GetProperty("message").GetProperty("content").GetString());
        joined.Reasoning.Should().Be(whole.GetProperty("message").GetProperty("reasoning").GetString());
        joined.FinishReason.Should().Be("tool_calls").And.Be(whole.GetProperty("finish_reason").GetString());
        var call = whole.GetProperty("message").GetProperty("tool_calls")[0];
        joined.Calls.Should().ContainSingle().Which.Should().Be(
            (call.GetProperty("id").GetString(), call.GetProperty("function").GetProperty("name").GetString(),
                call.GetProperty("function").GetProperty("arguments").GetString()));
    }

    [Fact]
    public async Task Usage_ends_a_stream_only_for_who_asks()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("one two"));
        var events = await server.StreamAsync(Path, Hello + ""","stream":true,"stream_options":{"include_usage":true}}""");

        var chunks = events.SkipLast(1).Select(found => found.Json).ToList();
        chunks[^1].GetProperty("choices").GetArrayLength().Should().Be(0);
        chunks[^1].GetProperty("usage").GetProperty("completion_tokens").GetInt32().Should().Be(2);
        chunks.SkipLast(1).Should().OnlyContain(chunk => chunk.GetProperty("usage").ValueKind == JsonValueKind.Null);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Several_answers_share_the_prompt(bool stream)
    {
        var client = ScriptedChatClient.Saying("a b c");
        await using var server = await TestServer.StartAsync(client);
        var body = Hello + ""","n":3,"seed":7""";
        if (stream)
        {
            var chunks = (await server.StreamAsync(Path, body + ""","stream":true}""")).SkipLast(1).Select(found => found.Json).ToList();
            chunks.GroupBy(chunk => chunk.GetProperty("choices")[0].GetProperty("index").GetInt32())
                .Select(group => JoinedStream.Of(group).Content).Should().Equal("a b c", "a b c", "a b c");
        }
        else
        {
            var answer = await server.PostAsync(Path, body + "}");
            answer.Json.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()).Should()
                .Equal(0, 1, 2);
            answer.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32().Should().Be(2);
            answer.Json.GetProperty("usage").GetProperty("completion_tokens").GetInt32().Should().Be(9);
        }

        client.Requests.Select(request => request.Options.Seed).Should().BeEquivalentTo([7, 8, 9]);
    }

    [Theory]
    [InlineData("auto")]
    [InlineData("required")]
    public async Task Tools_that_are_not_allowed_stay_in_the_prompt(string mode)
    {
        var client = ScriptedChatClient.Saying("Hi");
        await using var server = await TestServer.StartAsync(client);
        var answer = await server.PostAsync(Path, Hello + $$$"""
            ,"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}],
             "tool_choice":{"type":"allowed_tools",
              "allowed_tools":{"mode":"{{{mode}}}","tools":[{"type":"function","function":{"name":"g"}}]}} }
            """);

        answer.Status.Should().Be(HttpStatusCode.OK, answer.Text);
        var options = client.Requests.Single().Options;
        options.Tools!.Select(tool => tool.Name).Should().Equal("f", "g");
        options.ToolMode.Should().Be(mode == "auto" ? ChatToolMode.Auto : ChatToolMode.RequireAny);
        options.RawRepresentationFactory!(client).Should().BeOfType<GptOssRequestOptions>().Which.AllowedTools.Should().Equal("g");
    }

    [Fact]
    public async Task Options_reach_the_chat_client()
    {
        var client = ScriptedChatClient.Saying("{}");
        await using var server = await TestServer.StartAsync(client);
        var answer = await server.PostAsync(Path, Hello + """
            ,"temperature":0.5,"top_p":0.9,"frequency_penalty":1,"presence_penalty":-1,"max_completion_tokens":16.0,"max_tokens":8,"seed":3,
             "stop":["a","b"],"logit_bias":{"50":-100},"logprobs":true,"top_logprobs":2,"reasoning_effort":"xhigh",
             "parallel_tool_calls":false,
             "response_format":{"type":"json_schema","json_schema":{"name":"city","schema":{"type":"object"}}},"top_k":5,"min_p":0.1,
             "repetition_penalty":1.1,"thinking_token_budget":100,"priority":2,"cache_salt":"s","user":"u","metadata":{},"store":false,
             "tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}}
            """);

        answer.Status.Should().Be(HttpStatusCode.OK, answer.Text);
        var (_, options, _) = client.Requests.Single();
        options.Temperature.Should().Be(0.5f);
        options.TopP.Should().Be(0.9f);
        options.TopK.Should().Be(5);
        options.FrequencyPenalty.Should().Be(1);
        options.PresencePenalty.Should().Be(-1);
        options.MaxOutputTokens.Should().Be(16);
        options.Seed.Should().Be(3);
        options.StopSequences.Should().Equal("a", "b");
        options.Reasoning!.Effort.Should().Be(ReasoningEffort.High);
        options.AllowMultipleToolCalls.Should().BeFalse();
        options.ResponseFormat.Should().BeOfType<ChatResponseFormatJson>().Which.SchemaName.Should().Be("city");
        options.Tools.Should().ContainSingle().Which.Name.Should().Be("f");
        options.ToolMode.Should().Be(ChatToolMode.RequireSpecific("f"));
        client.Requests.Single().Own.Should().BeEquivalentTo(new GptOssRequestOptions
        {
            MinP = 0.1,
            RepetitionPenalty = 1.1,
            LogitBias = new Dictionary<int, float> { [50] = -100 },
            LogProbabilities = true,
            TopLogProbabilities = 2,
            ReasoningBudget = 100,
            Priority = 2,
            CacheSalt = "s",
        });
    }

    [Fact]
    public async Task A_conversation_with_calls_is_replayed_as_it_was()
    {
        var client = ScriptedChatClient.Saying("ok");
        await using var server = await TestServer.StartAsync(client);
        await server.PostAsync(Path, """
            {"messages":[{"role":"developer","content":[{"type":"text","text":"Be "},{"type":"text","text":"brief"}]},
             {"role":"user","content":"weather?"},
             {"role":"assistant","content":null,"reasoning_content":"look it up",
             "tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{bad"}}]},
             {"role":"tool","tool_call_id":"c1","name":"f","content":[{"type":"text","text":"18"}]}]}
            """);

        var messages = client.Requests.Single().Messages;
        messages.Select(message => message.Role).Should().Equal(ChatRole.System, ChatRole.User, ChatRole.Assistant, ChatRole.Tool);
        messages[0].Text.Should().Be("Be brief");
        messages[2].Contents[0].Should().BeOfType<TextReasoningContent>().Which.Text.Should().Be("look it up");
        messages[2].Contents[1].Should().BeOfType<FunctionCallContent>().Which.RawRepresentation.Should().Be("{bad");
        messages[3].Contents[0].Should().BeOfType<FunctionResultContent>().Which.Result.Should().Be("18");
    }

    [Fact]
    public async Task A_failure_in_the_middle_is_an_event_and_the_stream_ends()
    {
        await using var server = await TestServer.StartAsync(new ScriptedChatClient(_ => FailAsync()));
        var events = await server.StreamAsync(Path, Hello + ""","stream":true}""");

        events[^2].Json.GetProperty("error").GetProperty("type").GetString().Should().Be("server_error");
        events[^1].IsDone.Should().BeTrue();
        (await server.PostAsync(Path, Hello + "}")).Status.Should().Be(HttpStatusCode.InternalServerError);
    }

    [Fact]
    public async Task What_the_model_refuses_at_once_is_an_answer_and_no_stream()
    {
        await using var server = await TestServer.StartAsync(new ScriptedChatClient(_ => throw new GptOssBusyException("busy")));
        var answer = await server.PostAsync(Path, Hello + ""","stream":true}""");

        answer.Status.Should().Be(HttpStatusCode.TooManyRequests);
        answer.Error.GetProperty("code").GetString().Should().Be("rate_limit_exceeded");
        int.Parse(answer.Headers["Retry-After"], System.Globalization.CultureInfo.InvariantCulture).Should().BePositive();
    }

    private static async IAsyncEnumerable<AIContent> FailAsync()
    {
        yield return new TextContent("half");
        await Task.Yield();
        throw new InvalidOperationException("secret");
    }
}
