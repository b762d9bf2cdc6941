using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>Bad values of every field that is read: each is refused in the API's form, and the server still answers.</summary>
public sealed class BadFieldTests
{
    private static readonly string[] BadNumbers =
        [
            "\"x\"", "true", "[]", "{}", "-1e9", "1e9", "99999999999999999999", "1e400", "\"\"", "\"NaN\"", "[1]", "\"1\"", "2147483648.5",
            "false",
        ];

    private static readonly string[] BadBooleans = ["\"true\"", "1", "0", "[]", "{}", "\"\"", "[true]", "1.5"];
    private static readonly string[] BadObjects = ["1", "\"x\"", "[]", "true", "[{}]", "\"\""];
    private static readonly string[] BadLists = ["1", "\"x\"", "{}", "true", "[1]", "[[]]", "[null]", "[\"\\ud800\"]"];
    private static readonly string[] BadStrings = ["1", "true", "[]", "{}", "[\"x\"]", "1.5", "\"\\ud800\""];

    private static readonly (string Path, string Body)[] Endpoints =
    [
        ("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}]}"""),
        ("/v1/responses", """{"input":"Hi"}"""),
        ("/v1/messages", """{"model":"scripted","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]}"""),
        ("/v1/completions", """{"prompt":"Hi"}"""),
    ];

    public static IEnumerable<(int Endpoint, string Field, string Value)> Cases()
    {
        foreach (var endpoint in (int[])[0, 1])
        {
            foreach (var (fields, values) in new (string[], string[])[]
            {
                (["temperature", "top_p", "frequency_penalty", "presence_penalty", "min_p", "repetition_penalty"], BadNumbers),
                (["stream", "parallel_tool_calls"], BadBooleans),
                (["model", "cache_salt"], BadStrings),
                (["reasoning", "stream_options"], BadObjects),
                (["tools"], BadLists),
                (["top_logprobs", "priority", "seed", "top_k"], BadNumbers.Where(value => value is not ("-1e9" or "1e9")).ToArray()),
                (["tool_choice"], [
                    "1", "[]", "true", "\"any\"", "\"required\"", "{\"type\":\"function\"}", "{\"type\":\"function\",\"name\":\"f\"}",
                    "{\"type\":1}", "{}", "{\"type\":\"allowed_tools\"}",
                ]),
                (["stop"], ["1", "{}", "true", "[1]", "[\"a\",\"b\",\"c\",\"d\",\"e\"]", "\"\"", "[\"\"]", "[null]", "\"\\ud800\""]),
                (["logit_bias"], ["1", "[]", "\"x\"", "{\"x\":1}", "{\"1\":101}", "{\"1\":\"a\"}", "{\"-1\":1}"]),
            })
            {
                foreach (var field in fields)
                {
                    foreach (var value in values)
                    {
                        yield return (endpoint, field, value);
                    }
                }
            }
        }

        foreach (var (endpoint, fields, values) in new (int, string[], string[])[]
        {
            (
                0, ["max_tokens", "max_completion_tokens", "n", "thinking_token_budget"],
                [.. BadNumbers.Where(value => value != "1e9"), "-1"]),
            (0, ["logprobs", "include_reasoning", "ignore_eos"], BadBooleans),
            (0, ["reasoning_effort"], [.. BadStrings, "\"extreme\"", "\"\""]),
            (
                0, ["messages"],
                [.. BadLists, "[]", "null", "[{}]", "[{\"role\":\"user\"}]", "[{\"role\":\"x\",\"content\":\"x\"}]", "[{\"role\":1}]",
                    "[{\"role\":\"function\",\"content\":\"x\"}]", "[{\"role\":\"user\",\"content\":5}]",
                    "[{\"role\":\"user\",\"content\":[{}]}]",
                    "[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"http://127.0.0.1/x\"}}]}]",
                    "[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]", "[{\"role\":\"tool\",\"content\":\"x\"}]",
                    "[{\"role\":\"tool\",\"content\":\"x\",\"tool_call_id\":\"c\"}]", "[{\"role\":\"assistant\",\"tool_calls\":[{}]}]",
                    "[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":1}}]}]",
                    "[{\"role\":\"user\",\"content\":\"\\udc00x\"}]"]),
            (0, ["response_format"], ["1", "\"x\"", "[]", "{}", "{\"type\":\"xml\"}", "{\"type\":\"json_schema\"}",
                "{\"type\":\"json_schema\",\"json_schema\":{}}",
                "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a b\",\"schema\":{}}}",
                "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"a\",\"schema\":1}}"]),
            (0, ["tools"], ["[{}]", "[{\"type\":\"custom\"}]", "[{\"type\":\"function\"}]", "[{\"type\":\"function\",\"function\":{}}]",
                "[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]", "[{\"type\":\"function\",\"function\":{\"name\":\"\"}}]",
                "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":1}}]",
                "[{\"type\":\"function\",\"function\":{\"name\":\"f\"}},{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"]),
            (0, ["audio", "web_search_options", "functions", "function_call", "structured_outputs"], ["{}", "1", "\"x\"", "[]"]),
            (0, ["modalities"], ["[\"audio\"]", "[\"text\",\"audio\"]", "1", "\"x\"", "{}"]),
            (0, ["min_tokens"], ["1", "\"x\"", "1.5"]),
            (0, ["stop_token_ids"], ["[1]", "1", "[\"a\"]"]),
            (1, ["max_output_tokens", "max_tool_calls"], [.. BadNumbers.Where(value => value != "1e9"), "-1", "0"]),
            (1, ["background", "store"], BadBooleans),
            (1, ["instructions", "previous_response_id", "safety_identifier", "prompt_cache_key", "truncation"], BadStrings),
            (1, ["previous_response_id"], ["\"resp_none\"", "\"\""]),
            (
                1, ["text"],
                [
                    .. BadObjects, "{\"format\":1}", "{\"format\":{\"type\":\"xml\"}}",
                    "{\"format\":{\"type\":\"json_schema\",\"name\":\"a\"}}",
                ]),
            (1, ["include"], ["1", "\"x\"", "{}", "[1]", "[{}]"]),
            (1, ["metadata"], ["1", "\"x\"", "[]", "true"]),
            (1, ["conversation", "prompt"], ["\"x\"", "{}", "1"]),
            (
                1, ["input"],
                ["1", "true", "{}", "null", "[]", "[1]", "[{}]", "[{\"type\":\"message\"}]", "[{\"role\":\"x\",\"content\":\"x\"}]",
                    "[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]", "[{\"type\":\"function_call\"}]",
                    "[{\"type\":\"function_call_output\",\"call_id\":\"c\",\"output\":\"x\"}]",
                    "[{\"type\":\"compaction\",\"encrypted_content\":\"AAAA\"}]",
                    "[{\"type\":\"compaction\"}]", "[{\"type\":\"item_reference\"}]"]),
            (2, ["max_tokens"], [.. BadNumbers.Where(value => value != "1e9"), "0", "null"]),
            (2, ["temperature", "top_p"], BadNumbers),
            (2, ["stream"], BadBooleans),
            (2, ["messages"], [
                .. BadLists, "[]", "null", "[{}]", "[{\"role\":\"user\"}]", "[{\"role\":\"x\",\"content\":\"x\"}]",
                "[{\"role\":\"user\",\"content\":[{\"type\":\"image\"}]}]",
            ]),
            (2, ["tools"], ["1", "{}", "[1]", "[{}]", "[{\"name\":\"f\"}]", "[{\"name\":\"a b\",\"input_schema\":{}}]"]),
            (
                2, ["tool_choice"],
                [
                    "1", "\"auto\"", "{}", "{\"type\":\"x\"}", "{\"type\":\"tool\"}", "{\"type\":\"any\"}",
                    "{\"type\":\"tool\",\"name\":\"f\"}",
                ]),
            (2, ["thinking"], ["1", "\"x\"", "[]", "{\"type\":\"x\"}", "{\"type\":\"enabled\",\"budget_tokens\":0}", "{\"type\":1}"]),
            (2, ["stop_sequences"], ["1", "\"x\"", "{}", "[1]", "[\"\"]", "[null]"]),
            (2, ["model", "system"], ["1", "true"]),
            (3, ["max_tokens"], [.. BadNumbers.Where(value => value != "1e9")]),
            (3, ["n", "logprobs", "temperature"], BadNumbers),
            (3, ["echo", "stream"], BadBooleans),
            (3, ["best_of"], ["2", "\"x\"", "1.5"]),
            (3, ["suffix"], ["\"x\"", "1"]),
            (
                3, ["prompt"],
                ["1", "{}", "true", "null", "[]", "[[\"a\"]]", "[1.5]", "[-1]", "[300000]", "[{}]", "[\"a\",1]", "[[1],\"\\ud800\"]"]),
        })
        {
            foreach (var field in fields)
            {
                foreach (var value in values)
                {
                    yield return (endpoint, field, value);
                }
            }
        }
    }

    [Fact]
    public async Task Every_bad_value_is_a_400_in_the_form_of_the_API()
    {
        await using var server = await TestServer.StartAsync(
            ScriptedChatClient.Saying("x"), services: services => ScriptedTokenModel.AddTo(services));
        var wrong = new List<string>();
        var times = new List<double>();
        var count = 0;
        foreach (var (endpoint, field, value) in Cases())
        {
            count++;
            var (path, body) = Endpoints[endpoint];
            var valid = JsonNode.Parse(body)!.AsObject();
            valid.Remove(field);
            var text = valid.ToJsonString();
            var sent = text[..^1] + (text.Length > 2 ? "," : "") + $"\"{field}\":{value}}}";
            var start = Stopwatch.GetTimestamp();
            var answer = await server.PostAsync(path, sent);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            var isNotFound = answer.Status == HttpStatusCode.NotFound && field is "model";
            if ((answer.Status != HttpStatusCode.BadRequest && !isNotFound)
                || answer.Error.GetProperty("type").GetString() != "invalid_request_error"
                || answer.Error.GetProperty("message").GetString()!.Length == 0)
            {
                wrong.Add($"{path} {field} = {value}: {(int)answer.Status} {answer.Text}");
            }
        }

        string.Join('\n', wrong).Should().BeEmpty();
        count.Should().BeGreaterThan(700);
        (await server.PostAsync(Endpoints[0].Path, Endpoints[0].Body)).Status.Should().Be(HttpStatusCode.OK);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{count} bad values, the median answered in {times.Order().ElementAt(count / 2):F1} ms, the slowest in {times.Max():F1} ms");
    }

    [Fact]
    public async Task Every_optional_field_may_be_null()
    {
        await using var server = await TestServer.StartAsync(
            ScriptedChatClient.Saying("x"), services: services => ScriptedTokenModel.AddTo(services));
        foreach (var group in Cases().Where(found => found.Field is not ("messages" or "input" or "prompt")
            && !(found is { Endpoint: 2, Field: "max_tokens" or "model" })).GroupBy(found => found.Endpoint))
        {
            var (path, body) = Endpoints[group.Key];
            var sent = JsonNode.Parse(body)!.AsObject();
            foreach (var field in group.Select(found => found.Field).Distinct())
            {
                sent[field] = null;
            }

            var answer = await server.PostAsync(path, sent.ToJsonString());
            answer.Status.Should().Be(HttpStatusCode.OK, answer.Text);
        }
    }

    [Theory]
    [InlineData("{\"messages\":[{\"role\":\"user\",\"content\":\"\u0000\"}]}")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}]} trailing""")]
    [InlineData("""{"messages":[{"role":"user","content":"x"}],}""")]
    [InlineData("""{/*c*/"messages":[{"role":"user","content":"x"}]}""")]
    [InlineData("\ufeff")]
    [InlineData("NaN")]
    public async Task What_is_no_JSON_is_a_400(string body)
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"));
        (await server.PostAsync(Endpoints[0].Path, body)).Status.Should().Be(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Nesting_and_size_are_bounded()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"));
        var deep = new StringBuilder().Insert(0, "[", 10_000).ToString() + new string(']', 10_000);
        (await server.PostAsync(Endpoints[0].Path, $$"""{"messages":{{deep}}}""")).Status.Should().Be(HttpStatusCode.BadRequest);
        var many = string.Join(',', Enumerable.Repeat("""{"role":"user","content":"x"}""", 2_049));
        var answer = await server.PostAsync(Endpoints[0].Path, $$"""{"messages":[{{many}}]}""");
        answer.Status.Should().Be(HttpStatusCode.BadRequest);
        answer.Error.GetProperty("message").GetString().Should().Contain("2048");
    }
}
