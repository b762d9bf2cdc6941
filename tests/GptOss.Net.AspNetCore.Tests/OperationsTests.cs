using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>Keys, hosts, limits, disconnects, loading and shutting down.</summary>
public sealed class OperationsTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Hello =
        """{"messages":[{"role":"user","content":"Hi"}],"input":"Hi","model":"scripted","max_tokens":5,"prompt":"Hi" """;

    public static TheoryData<string, string> Routes => new()
    {
        { "GET", "/health/live" }, { "GET", "/health/ready" }, { "GET", "/health" }, { "GET", "/metrics" }, { "GET", "/openapi.json" },
        { "POST", "/v1/responses/compact" }, { "GET", "/v1/responses" }, { "GET", "/v1/status" }, { "GET", "/v1/models" },
        { "GET", "/v1/models/scripted" }, { "POST", Chat }, { "POST", "/v1/completions" }, { "POST", "/v1/responses" },
        { "POST", "/v1/responses/input_tokens" }, { "GET", "/v1/responses/resp_1" }, { "DELETE", "/v1/responses/resp_1" },
        { "GET", "/v1/responses/resp_1/input_items" }, { "POST", "/v1/responses/resp_1/cancel" }, { "POST", "/tokenize" },
        { "POST", "/detokenize" }, { "POST", "/v1/tokenize" }, { "POST", "/v1/detokenize" },
        { "POST", "/v1/messages" }, { "POST", "/v1/messages/count_tokens" },
        { "GET", "/v1/unknown" }, { "PUT", Chat },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task Every_route_but_liveness_needs_a_key_a_known_host_and_no_foreign_origin(string method, string path)
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"), options =>
        {
            options.ApiKeys.Add("right");
            options.ApiKeys.Add("second");
        });
        foreach (var key in (string?[])[null, "wrong", "", "right", "second"])
        {
            foreach (var host in (string[])["localhost", "127.0.0.1", "[::1]", "evil.example", "127.0.0.1.evil.example"])
            {
                foreach (var origin in (string?[])[null, "https://evil.example", "null"])
                {
                    using var request = new HttpRequestMessage(new HttpMethod(method), path);
                    request.Headers.Host = host + ":" + server.Url.Port;
                    request.Content = method == "GET" ? null : new StringContent(Hello + "}", Encoding.UTF8, "application/json");
                    if (key is not null)
                    {
                        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
                    }

                    if (origin is not null)
                    {
                        request.Headers.TryAddWithoutValidation("Origin", origin);
                    }

                    var status = (int)(await server.SendAsync(request)).Status;
                    var isForeign = host.Contains("evil", StringComparison.Ordinal) || origin is not null;
                    var isKnown = key is "right" or "second" || path == "/health/live";
                    if (isForeign)
                    {
                        status.Should().Be(403, $"{host} {origin}");
                    }
                    else if (!isKnown)
                    {
                        status.Should().Be(401, $"key {key}");
                    }
                    else
                    {
                        status.Should().NotBe(401).And.NotBe(403);
                    }
                }
            }
        }
    }

    [Fact]
    public async Task The_matrix_has_every_route()
    {
        await using var server = await TestServer.StartAsync(ScriptedChatClient.Saying("x"));
        var mapped = server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [], (endpoint, method) =>
                $"{method} {endpoint.RoutePattern.RawText}".Replace("responses/{id}", "responses/resp_1", StringComparison.Ordinal)
                    .Replace("{**id}", "scripted", StringComparison.Ordinal));
        mapped.Should().HaveCountGreaterThan(20).And.BeSubsetOf(Routes.Select(route => $"{route.Data.Item1} {route.Data.Item2}"));
    }

    [Fact]
    public async Task What_is_too_much_gets_429_and_what_was_admitted_does_not()
    {
        var release = new TaskCompletionSource();
        var client = new ScriptedChatClient(request => WaitAsync(release.Task, request.CancellationToken));
        await using var server = await TestServer.StartAsync(client, options => options.MaxConcurrentAnswers = 3);
        var running = Enumerable.Range(0, 3).Select(_ => server.PostAsync(Chat, Hello + "}")).ToList();
        await Eventually(() => client.Running == 3);

        var refused = await server.PostAsync(Chat, Hello + ""","stream":true}""");
        refused.Status.Should().Be(HttpStatusCode.TooManyRequests);
        refused.Error.GetProperty("type").GetString().Should().Be("rate_limit_error");
        refused.Headers["Retry-After"].Should().Be("1");
        (await server.PostAsync(Chat, Hello + ""","n":0}""")).Status.Should().Be(HttpStatusCode.BadRequest, "mistakes are told first");
        release.SetResult();
        (await Task.WhenAll(running)).Should().OnlyContain(answer => answer.Status == HttpStatusCode.OK);
        (await server.PostAsync(Chat, Hello + "}")).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_key_has_its_own_limit()
    {
        var release = new TaskCompletionSource();
        var client = new ScriptedChatClient(request => WaitAsync(release.Task, request.CancellationToken));
        await using var server = await TestServer.StartAsync(client, options =>
        {
            options.MaxConcurrentAnswersPerKey = 1;
            options.ApiKeys.Add("a");
            options.ApiKeys.Add("b");
        });
        var first = server.PostAsync(Chat, Hello + "}", ("x-api-key", "a"));
        await Eventually(() => client.Running == 1);
        (await server.PostAsync(Chat, Hello + "}", ("x-api-key", "a"))).Status.Should().Be(HttpStatusCode.TooManyRequests);
        var other = server.PostAsync(Chat, Hello + "}", ("x-api-key", "b"));
        release.SetResult();
        (await first).Status.Should().Be(HttpStatusCode.OK);
        (await other).Status.Should().Be(HttpStatusCode.OK);
    }

    // Prefill: the model has said nothing yet. Decode: it writes. Whole: the client waits for the whole answer.
    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 3)]
    [InlineData(false, 0)]
    [InlineData(false, 3)]
    public async Task Clients_that_leave_end_their_answers_and_leave_nothing_behind(bool stream, int tokens)
    {
        var clients = LongTests.Cases(50, 1_000);
        var client = new ScriptedChatClient(request => NeverEndingAsync(tokens, request.CancellationToken));
        await using var server = await TestServer.StartAsync(client, options => options.MaxConcurrentAnswers = 64);
        var body = Hello + (stream ? ""","stream":true}""" : "}");
        var request = Encoding.ASCII.GetBytes(
            $"POST {Chat} HTTP/1.1\r\nHost: 127.0.0.1:{server.Url.Port}\r\nContent-Type: application/json\r\nContent-Length: "
            + $"{body.Length}\r\n\r\n{body}");
        for (var done = 0; done < clients; done += 25)
        {
            var sockets = await Task.WhenAll(Enumerable.Range(0, 25).Select(async i =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(IPAddress.Loopback, server.Url.Port);
                await socket.SendAsync(request);
                return socket;
            }));
            await Eventually(() => client.Running == 25);
            for (var i = 0; i < sockets.Length; i++)
            {
                // Every other one resets the connection instead of closing it.
                sockets[i].LingerState = new LingerOption(i % 2 == 0, 0);
                sockets[i].Dispose();
            }

            await Eventually(() => client.Running == 0);
        }

        (await server.GetAsync("/v1/status")).Json.GetProperty("requests").GetProperty("running").GetInt32().Should().Be(0);
    }

    [Fact]
    public async Task A_silent_stream_sends_comments()
    {
        var release = new TaskCompletionSource();
        var client = new ScriptedChatClient(request => WaitAsync(release.Task, request.CancellationToken));
        await using var server = await TestServer.StartAsync(client, options => options.KeepAliveInterval = TimeSpan.FromMilliseconds(50));
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat)
        {
            Content = new StringContent(Hello + ""","stream":true}""", Encoding.UTF8, "application/json"),
        };
        var cancellation = TestContext.Current.CancellationToken;
        using var response = await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        response.Headers.GetValues("X-Accel-Buffering").Should().Equal("no");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation));
        string? line;
        do
        {
            line = await reader.ReadLineAsync(cancellation);
        }
        while (line != ": keep-alive");
        release.SetResult();
        (await reader.ReadToEndAsync(cancellation)).Should().EndWith("data: [DONE]\n\n");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_deadline_ends_an_answer_with_an_error(bool stream)
    {
        var client = new ScriptedChatClient(request => NeverEndingAsync(1, request.CancellationToken));
        await using var server = await TestServer.StartAsync(client);
        var answer = await server.PostAsync(Chat, Hello + (stream ? ""","stream":true}""" : "}"), ("X-Stainless-Timeout", "0.2"));
        var error = stream ? ServerEvent.Parse(answer.Text)[^2].Json.GetProperty("error") : answer.Error;
        error.GetProperty("code").GetString().Should().Be("timeout");
        if (!stream)
        {
            answer.Status.Should().Be(HttpStatusCode.GatewayTimeout);
            answer.Headers["x-should-retry"].Should().Be("false");
        }
    }

    [Fact]
    public async Task While_the_model_loads_requests_are_told_so()
    {
        var status = new ScriptedStatus { State = ModelState.Loading, Progress = new LoadProgress(1, 4) };
        await using var server = await TestServer.StartAsync(
            ScriptedChatClient.Saying("x"), services: services => services.AddSingleton<IModelStatus>(status));
        var chat = await server.PostAsync(Chat, Hello + "}");
        chat.Status.Should().Be(HttpStatusCode.ServiceUnavailable);
        chat.Error.GetProperty("code").GetString().Should().Be("model_loading");
        chat.Headers.Should().ContainKey("Retry-After");
        ((int)(await server.PostAsync("/v1/messages", Hello + "}")).Status).Should().Be(529);
        (await server.GetAsync("/v1/models")).Json.GetProperty("data")[0].GetProperty("status").GetString().Should().Be("loading");
        var ready = await server.GetAsync("/health/ready");
        ready.Status.Should().Be(HttpStatusCode.ServiceUnavailable);
        ready.Json.GetProperty("progress").GetProperty("total_bytes").GetInt32().Should().Be(4);

        (status.State, status.Failure) = (ModelState.Failed, "config.json is missing.");
        (await server.GetAsync("/health/ready")).Json.GetProperty("error").GetString().Should().Be("config.json is missing.");
        (await server.GetAsync("/health/live")).Status.Should().Be(HttpStatusCode.OK);
        status.State = ModelState.Ready;
        (await server.PostAsync(Chat, Hello + "}")).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task When_the_host_stops_running_answers_end_and_new_ones_are_refused()
    {
        var release = new TaskCompletionSource();
        var client = new ScriptedChatClient(request => WaitAsync(release.Task, request.CancellationToken));
        await using var server = await TestServer.StartAsync(client);
        var running = server.PostAsync(Chat, Hello + "}");
        await Eventually(() => client.Running == 1);
        server.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

        var refused = await server.PostAsync(Chat, Hello + "}");
        refused.Status.Should().Be(HttpStatusCode.ServiceUnavailable);
        refused.Error.GetProperty("code").GetString().Should().Be("shutting_down");
        (await server.GetAsync("/health/ready")).Json.GetProperty("status").GetString().Should().Be("draining");
        release.SetResult();
        (await running).Status.Should().Be(HttpStatusCode.OK);
    }

    [Fact]
    public async Task What_does_not_end_while_draining_gets_an_error()
    {
        var client = new ScriptedChatClient(request => NeverEndingAsync(2, request.CancellationToken));
        await using var server = await TestServer.StartAsync(client, options => options.DrainTimeout = TimeSpan.FromMilliseconds(100));
        var running = server.PostAsync(Chat, Hello + ""","stream":true}""");
        await Eventually(() => client.Running == 1);
        await server.StopAsync();
        var events = ServerEvent.Parse((await running).Text);
        events[^2].Json.GetProperty("error").GetProperty("code").GetString().Should().Be("shutting_down");
        client.Running.Should().Be(0);
    }

    internal static async Task Eventually(Func<bool> condition)
    {
        for (var i = 0; i < 3_000 && !condition(); i++)
        {
            await Task.Delay(10);
        }

        condition().Should().BeTrue();
    }

    private static async IAsyncEnumerable<AIContent> WaitAsync(Task release, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await release.WaitAsync(cancellationToken);
        yield return new TextContent("done");
    }

    private static async IAsyncEnumerable<AIContent> NeverEndingAsync(
        int tokens, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var i = 0; i < tokens; i++)
        {
            yield return new TextContent("word ");
        }

        await Task.Delay(Timeout.Infinite, cancellationToken);
    }
}
