using System.Net;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>Raw completions, tokens of texts, and counts.</summary>
public sealed class TokenTests
{
    [Fact]
    public async Task Text_becomes_tokens_and_text_again()
    {
        await using var server = await StartAsync();
        const string Text = "Hello <|end|> 你好";
        var tokens = (await server.PostAsync("/tokenize", $$"""{"prompt":"{{Text}}","return_token_strs":true}""")).Json;
        tokens.GetProperty("count").GetInt32().Should().Be(tokens.GetProperty("tokens").GetArrayLength());
        tokens.GetProperty("max_model_len").GetInt32().Should().Be(1_000);
        tokens.GetProperty("tokens").EnumerateArray().Should()
            .OnlyContain(token => token.GetInt32() < 199_998, "text is never a control token");
        var back = await server.PostAsync("/detokenize", $$"""{"tokens":{{tokens.GetProperty("tokens").GetRawText()}}}""");
        back.Json.GetProperty("prompt").GetString().Should().Be(Text);
        (await server.PostAsync("/v1/detokenize", """{"tokens":[999999]}""")).Status.Should().Be(HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_completion_continues_each_prompt()
    {
        await using var server = await StartAsync();
        var answer = await server.PostAsync("/v1/completions", """{"prompt":["A","B"],"n":2,"echo":true,"logprobs":1,"max_tokens":5}""");
        answer.Status.Should().Be(HttpStatusCode.OK, answer.Text);
        var choices = answer.Json.GetProperty("choices").EnumerateArray().ToList();
        choices.Select(choice => choice.GetProperty("text").GetString()).Should()
            .Equal("A and so on", "A and so on", "B and so on", "B and so on");
        choices.Select(choice => choice.GetProperty("index").GetInt32()).Should().Equal(0, 1, 2, 3);
        choices[0].GetProperty("logprobs").GetProperty("tokens")[0].GetString().Should().Be(" and");
        choices[0].GetProperty("logprobs").GetProperty("text_offset")[1].GetInt32().Should().Be(4);
        choices[0].GetProperty("finish_reason").GetString().Should().Be("stop");
        answer.Json.GetProperty("usage").GetProperty("completion_tokens").GetInt32().Should().Be(12);
        answer.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32().Should().Be(2);
    }

    [Fact]
    public async Task A_completion_is_streamed()
    {
        await using var server = await StartAsync();
        var events = await server.StreamAsync(
            "/v1/completions", """{"prompt":"A","stream":true,"max_tokens":5,"stream_options":{"include_usage":true}}""");
        events[^1].IsDone.Should().BeTrue();
        string.Concat(events.SkipLast(2).Select(found => found.Json.GetProperty("choices")[0].GetProperty("text").GetString())).Should()
            .Be(" and so on");
        events[^3].Json.GetProperty("choices")[0].GetProperty("finish_reason").GetString().Should().Be("stop");
        events[^2].Json.GetProperty("usage").GetProperty("completion_tokens").GetInt32().Should().Be(3);
    }

    [Fact]
    public async Task Tokens_of_requests_are_counted()
    {
        await using var server = await StartAsync();
        (await server.PostAsync("/v1/responses/input_tokens", """{"input":"one two three"}""")).Json.GetProperty("input_tokens").GetInt32()
            .Should().Be(3);
        (await server.PostAsync(
            "/v1/messages/count_tokens", """{"model":"scripted","messages":[{"role":"user","content":"one two three"}]}"""))
            .Json.GetProperty("input_tokens").GetInt32().Should().Be(3);
    }

    private static Task<TestServer> StartAsync() => TestServer.StartAsync(
        ScriptedChatClient.Saying("x"), services: services => ScriptedTokenModel.AddTo(services));
}
