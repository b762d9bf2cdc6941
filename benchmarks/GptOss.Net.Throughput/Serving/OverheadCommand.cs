using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Throughput.Serving;

/// <summary>
/// What HTTP costs: streams of a scripted model that writes at a given rate, in process and through the server, and bytes allocated a
/// token.
/// </summary>
internal static class OverheadCommand
{
    public static Command Command()
    {
        var streams = new Option<int>("--streams") { DefaultValueFactory = _ => 64, Description = "Answers at once." };
        var tokens = new Option<int>("--tokens") { DefaultValueFactory = _ => 1_000, Description = "Tokens of an answer." };
        var rates = new Option<int[]>("--rates")
        {
            DefaultValueFactory = _ => [5_000, 10_000, 20_000],
            AllowMultipleArgumentsPerToken = true,
            Description = "Tokens a second of all streams together.",
        };
        var command = new Command("overhead", "What the HTTP server costs beside the chat client in process, with a scripted model.")
        {
            streams, tokens, rates,
        };
        command.SetAction(async (result, _) =>
        {
            foreach (var rate in result.GetRequiredValue(rates))
            {
                await MeasureAsync(result.GetValue(streams), result.GetValue(tokens), rate);
            }
        });
        return command;
    }

    private static async Task MeasureAsync(int streams, int tokens, int rate)
    {
        using var model = new PacedChatClient(tokens, TimeSpan.FromSeconds((double)streams / rate));
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<IChatClient>(model);
        await using var app = builder.Build();
        app.MapOpenAI();
        await app.StartAsync();
        var port = new Uri(app.Urls.Single()).Port;
        await RunAsync(4, _ => ReadAsync(port)); // for the compiler

        var (inProcess, inProcessBytes) = await RunAsync(streams, async _ =>
        {
            var count = 0;
            await foreach (var update in model.GetStreamingResponseAsync([]))
            {
                count += update.Contents is [TextContent] ? 1 : 0;
            }

            return count;
        });
        var (overHttp, httpBytes) = await RunAsync(streams, _ => ReadAsync(port));
        Console.WriteLine(
            $"{streams} streams at {rate} tokens/s: in process {inProcess:F0} tokens/s, {inProcessBytes:F0} bytes a token; "
            + $"over HTTP {overHttp:F0} tokens/s ({overHttp / inProcess:P1}), {httpBytes:F0} bytes a token, the client's reading included");
    }

    private static async Task<(double Rate, double Bytes)> RunAsync(int streams, Func<int, Task<int>> read)
    {
        var allocated = GC.GetTotalAllocatedBytes(precise: true);
        var clock = Stopwatch.StartNew();
        var counts = await Task.WhenAll(Enumerable.Range(0, streams).Select(i => Task.Run(() => read(i))));
        var seconds = clock.Elapsed.TotalSeconds;
        double total = counts.Sum();
        return (total / seconds, (GC.GetTotalAllocatedBytes(precise: true) - allocated) / total);
    }

    /// <summary>Reads a stream with next to no work of its own: it counts the events.</summary>
    private static async Task<int> ReadAsync(int port)
    {
        const string Body = """{"stream":true,"messages":[{"role":"user","content":"x"}]}""";
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: "
            + $"application/json\r\nContent-Length: {Body.Length}\r\n\r\n{Body}"));
        var buffer = new byte[16_384];
        var count = 0;
        var kept = 0;
        var mark = "\"content\":\"w"u8.ToArray();
        int read;
        while ((read = await socket.ReceiveAsync(buffer.AsMemory(kept))) > 0)
        {
            var seen = buffer.AsSpan(0, kept + read);
            int place;
            while ((place = seen.IndexOf(mark)) >= 0)
            {
                count++;
                seen = seen[(place + mark.Length)..];
            }

            // A mark may come in two pieces.
            kept = Math.Min(seen.Length, mark.Length - 1);
            seen[^kept..].CopyTo(buffer);
        }

        return count;
    }
}
