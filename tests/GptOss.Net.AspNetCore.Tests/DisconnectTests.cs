using System.Net;
using System.Net.Sockets;
using System.Text;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>
/// Clients of a real model that leave while they wait, while their prompt is computed and while they are answered: nothing stays behind.
/// </summary>
[Collection(DemoServer.Collection)]
public sealed class DisconnectTests(DemoServer server) : IAsyncLifetime
{
    private const string Path = "/v1/completions";
    private const int AtOnce = DemoServer.MaxSequences;

    // Nothing that ends an answer may be said.
    private const string Endless = "\"max_tokens\":2000,\"stream\":true,\"logit_bias\":{\"200002\":-100,\"200012\":-100,\"199999\":-100}";

    private static readonly int Leaving = LongTests.Cases(4 * AtOnce, 63 * AtOnce);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Clients_that_leave_the_queue()
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var holders = Enumerable.Range(0, AtOnce).Select(_ => HoldAsync(stopping.Token)).ToArray();
        await OperationsTests.Eventually(() => server.Statistics.RunningRequests == AtOnce);
        for (var left = 0; left < Leaving; left += 2 * AtOnce)
        {
            var clients = await Task.WhenAll(Enumerable.Range(0, 2 * AtOnce).Select(_ => AskAsync("Once")));
            await OperationsTests.Eventually(() => server.Statistics.WaitingRequests >= 2 * AtOnce);
            Leave(clients);
            await OperationsTests.Eventually(() => server.Statistics.WaitingRequests == 0);
        }

        await stopping.CancelAsync();
        await Task.WhenAll(holders);

        async Task HoldAsync(CancellationToken cancellationToken)
        {
            try
            {
                while (true)
                {
                    await server.PostAsync(Path, $$"""{"prompt":"Once",{{Endless}}}""", cancellationToken);
                }
            }
            catch (OperationCanceledException)
            {
                // stopped
            }
        }
    }

    [Fact]
    public async Task Clients_that_leave_while_their_prompt_is_computed()
    {
        var leaving = LongTests.Cases(16, 1_000);
        var before = server.Statistics;
        for (var left = 0; left < leaving; left++)
        {
            // Each prompt begins differently, so that it is not found in the cache.
            var client = await AskAsync(string.Join(' ', Enumerable.Range(0, 400).Select(word => $"{left} {word}")));
            await OperationsTests.Eventually(() => server.Statistics.RunningRequests == 1);
            Leave([client]);
            await OperationsTests.Eventually(() => server.Statistics.RunningRequests == 0);
        }

        var after = server.Statistics;
        (after.CancelledRequests - before.CancelledRequests).Should().Be(leaving);
        (after.GeneratedTokens - before.GeneratedTokens).Should().BeLessThan(leaving, "most had not begun to be answered");
    }

    [Fact]
    public async Task Clients_that_leave_while_they_are_answered()
    {
        var before = server.Statistics;
        for (var left = 0; left < Leaving; left += AtOnce)
        {
            var tokens = server.Statistics.GeneratedTokens;
            var clients = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => AskAsync("Once")));
            await OperationsTests.Eventually(() => server.Statistics.GeneratedTokens > tokens + 3);
            Leave(clients);
            await OperationsTests.Eventually(() => server.Statistics.RunningRequests == 0);
        }

        (server.Statistics.CancelledRequests - before.CancelledRequests).Should().Be(Leaving);
    }

    public async ValueTask DisposeAsync()
    {
        await OperationsTests.Eventually(
            () => server.Statistics is { RunningRequests: 0, WaitingRequests: 0, FullBlocksUsed: 0, SlidingBlocksUsed: 0 });
        var status = System.Text.Json.JsonElement.Parse(await server.Http.GetStringAsync(new Uri("/v1/status", UriKind.Relative)));
        status.GetProperty("requests").GetProperty("running").GetInt32().Should().Be(0);
        const string Question = """{"messages":[{"role":"user","content":"What is the capital of France?"}],"temperature":0}""";
        (await server.PostAsync("/v1/chat/completions", Question, default)).Should().Contain("Paris");
    }

    private async Task<Socket> AskAsync(string prompt)
    {
        var body = $$"""{"prompt":"{{prompt}}",{{Endless}}}""";
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, server.Http.BaseAddress!.Port, Cancellation);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST {Path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}"));
        return socket;
    }

    /// <summary>Every other one resets the connection instead of closing it.</summary>
    private static void Leave(Socket[] clients)
    {
        for (var i = 0; i < clients.Length; i++)
        {
            clients[i].LingerState = new LingerOption(i % 2 == 0, 0);
            clients[i].Dispose();
        }
    }
}
