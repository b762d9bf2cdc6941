using System.Net;
using System.Text;

namespace GptOss.Net.AspNetCore.Tests;

public sealed class RouteTests
{
    [Fact]
    public async Task Models_are_listed_for_the_clients_of_both_families()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"), options =>
        {
            options.ModelId = "openai/gpt-oss-20b";
            options.ModelAliases.Add("small");
        });
        var list = (await server.GetAsync("/v1/models")).Json;
        list.GetProperty("object").GetString().Should().Be("list");
        list.GetProperty("data")[0].GetProperty("id").GetString().Should().Be("openai/gpt-oss-20b");
        list.GetProperty("data")[0].GetProperty("display_name").GetString().Should().Be("openai/gpt-oss-20b");
        (await server.GetAsync("/v1/models/openai/gpt-oss-20b")).Json.GetProperty("object").GetString().Should().Be("model");
        (await server.GetAsync("/v1/models/small")).Status.Should().Be(HttpStatusCode.OK);
        var unknown = await server.GetAsync("/v1/models/gpt-9");
        unknown.Status.Should().Be(HttpStatusCode.NotFound);
        unknown.Error.GetProperty("code").GetString().Should().Be("model_not_found");
    }

    [Theory]
    [InlineData("GET", "/v1/nothing", null, null, 404)]
    [InlineData("POST", "/v1/chat/nothing", "{}", "application/json", 404)]
    [InlineData("GET", "/v1/chat/completions", null, null, 405)]
    [InlineData("DELETE", "/v1/models", null, null, 405)]
    [InlineData("POST", "/v1/chat/completions", "{}", "text/plain", 415)]
    [InlineData("POST", "/v1/chat/completions", "{", "application/json", 400)]
    [InlineData("POST", "/v1/chat/completions", "", "application/json", 400)]
    [InlineData("POST", "/v1/chat/completions", "[]", "application/json", 400)]
    [InlineData("POST", "/v1/chat/completions", "null", "application/json", 400)]
    [InlineData("POST",
        "/v1/chat/completions", """{"messages":[{"role":"user","content":"x"}],"model":"gpt-9"}""", "application/json", 404)]
    public async Task Every_refusal_is_in_the_form_of_the_API(string method, string path, string? body, string? type, int status)
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"));
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, type!);
        }

        var answer = await server.SendAsync(request);
        ((int)answer.Status).Should().Be(status);
        answer.Error.GetProperty("message").GetString().Should().NotBeEmpty();
        answer.Error.GetProperty("type").GetString().Should().Be("invalid_request_error");
        answer.Error.TryGetProperty("param", out _).Should().BeTrue();
        answer.Error.TryGetProperty("code", out _).Should().BeTrue();
        (status == 405).Should().Be(answer.Headers.ContainsKey("Allow"));
    }

    [Fact]
    public async Task Pages_of_the_same_and_of_allowed_origins_may_call_and_CORS_is_off()
    {
        await using var server = await TestServer.StartAsync(
            ScriptedChatClient.Saying("x"), options => options.AllowedOrigins.Add("https://page.example"));
        foreach (var origin in (string[])[server.Url.GetLeftPart(UriPartial.Authority), "https://page.example"])
        {
            var answer = await server.GetAsync("/v1/models", ("Origin", origin));
            answer.Status.Should().Be(HttpStatusCode.OK, origin);
            answer.Headers.Keys.Should().NotContain(name => name.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
        }

        using var preflight = new HttpRequestMessage(HttpMethod.Options, "/v1/chat/completions");
        var refused = await server.SendAsync(preflight, ("Origin", "https://page.example"), ("Access-Control-Request-Method", "POST"));
        refused.Status.Should().Be(HttpStatusCode.MethodNotAllowed);
        refused.Headers.Keys.Should().NotContain(name => name.StartsWith("Access-Control", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task A_body_that_is_too_large_is_413()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"), options => options.MaxRequestBodySize = 1_000);
        var answer =
            await server.PostAsync("/v1/chat/completions", $$"""{"messages":[{"role":"user","content":"{{new string('x', 2_000)}}"}]}""");
        answer.Status.Should().Be(HttpStatusCode.RequestEntityTooLarge);
        answer.Error.GetProperty("type").GetString().Should().Be("invalid_request_error");
        answer.Error.GetProperty("message").GetString().Should().Contain("1000 bytes");
    }
}
