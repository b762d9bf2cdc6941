using System.Diagnostics;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Replicas;

namespace GptOss.Net.AspNetCore.Tests.Replication;

/// <summary>Servers that are processes, with a real model, behind the proxy of <c>samples/Replicas</c>.</summary>
public sealed class ReplicaProcessTests : IAsyncLifetime
{
    private const int Clients = 8;
    private const int MaxTokens = 24;
    private const int Block = 16; // tokens that the cache of prompts knows or does not know

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(2) };
    private ReplicaProcess[] _replicas = [];
    private WebApplication? _proxy;
    private volatile int _answered;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (!LongTests.Enabled || OperatingSystem.IsWindows())
        {
            return;
        }

        _replicas = [.. Enumerable.Range(0, 3).Select(_ => ReplicaProcess.Start())];
        string[] urls;
        try
        {
            urls = await Task.WhenAll(_replicas.Select(replica => replica.Url));
            await Task.WhenAll(urls.Select(ReadyAsync));
        }
        catch
        {
            await DisposeAsync(); // which nobody does for what did not begin
            throw;
        }

        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddReplicas(urls, probe: TimeSpan.FromMilliseconds(200));
        _proxy = builder.Build();
        _proxy.MapReplicas();
        await _proxy.StartAsync(Cancellation);
        _http.BaseAddress = new Uri(_proxy.Urls.Single());
    }

    // One is killed as a lost machine is, then another one is told to stop; both under load.
    [Fact]
    public async Task A_killed_process_loses_what_it_was_saying_and_one_that_drains_loses_nothing()
    {
        Assert.SkipUnless(LongTests.Enabled, "Three processes that load a model: with GPTOSS_LONG_TESTS=1.");
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no signals.");
        using var ending = new CancellationTokenSource();
        var load = LoadAsync(ending.Token);
        var busy = new Uri(await _replicas[0].Url + "/v1/status");
        int running;
        do
        {
            var status = JsonElement.Parse(await _http.GetStringAsync(busy, Cancellation));
            running = status.GetProperty("requests").GetProperty("running").GetInt32();
        }
        while (running < 2 || _answered < Clients);

        var killed = Stopwatch.GetTimestamp();
        _replicas[0].Kill();
        await Task.Delay(1_000, Cancellation);
        var draining = Stopwatch.GetTimestamp();
        (await _replicas[1].DrainAsync(Cancellation)).Should().Be(0);
        await Task.Delay(500, Cancellation);
        await ending.CancelAsync();
        var answers = await load;

        var lost = answers.Where(answer => !answer.IsWhole).ToList();
        lost.Where(answer => answer.Began > killed || answer.Ended < killed || answer.Ended > draining)
            .Should().BeEmpty("only what was being said when the process was killed is lost");
        lost.Where(answer => !answer.Text.Contains("\"replica_lost\"", StringComparison.Ordinal)
                || !answer.Text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal))
            .Should().BeEmpty("it says so");
        answers.Count(answer => answer.Began > killed).Should().BeGreaterThan(Clients);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{answers.Count} asked for, {answers.Count(answer => answer.Ended < killed)} answered before the kill, "
            + $"{answers.Count(answer => answer.Began > draining)} asked for after the drain began; {lost.Count} lost, each says so");

        // What moved to the last one is computed there once.
        for (var conversation = 0; conversation < 4; conversation++)
        {
            var messages = Question(100, conversation);
            var first = await AskAsync(messages, stream: false);
            const string Turn = """{"role":"assistant","content":"Well."},{"role":"user","content":"And then?"}""";
            var next = await AskAsync($"{messages},{Turn}", stream: true);
            next.Cached.Should().BeGreaterThan(first.Prompt - (2 * Block), "the follow-up finds the first turn");
            first.Cached.Should().BeLessThan(first.Prompt - (2 * Block));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }

        _http.Dispose();
        if (_proxy is not null)
        {
            await _proxy.DisposeAsync();
        }
    }

    private async Task<List<Answer>> LoadAsync(CancellationToken ending)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, Clients).Select(async client =>
        {
            var own = new List<Answer>();
            for (var i = 0; !ending.IsCancellationRequested; i++)
            {
                own.Add(await AskAsync(Question(client, i), stream: i % 2 == 0));
                Interlocked.Increment(ref _answered);
            }

            return own;
        }));
        return [.. answers.SelectMany(own => own)];
    }

    private static string Question(int client, int number) => $$"""
        {"role":"user","content":"{{string.Join(' ', Enumerable.Range(0, 40).Select(i => $"client{client} {number} {i}"))}} Name a planet."}
        """;

    private async Task<Answer> AskAsync(string messages, bool stream)
    {
        var options = stream ? ",\"stream\":true,\"stream_options\":{\"include_usage\":true}" : "";
        var body = $$"""{"messages":[{{messages}}],"max_tokens":{{MaxTokens}}{{options}}}""";
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        var began = Stopwatch.GetTimestamp();
        using var response = await _http.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), content, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        var ended = Stopwatch.GetTimestamp();
        if (response.StatusCode != HttpStatusCode.OK || text.Contains("\"error\"", StringComparison.Ordinal))
        {
            return new Answer(text, began, ended, IsWhole: false, 0, 0);
        }

        var json = stream ? ServerEvent.Parse(text)[^2].Json : JsonElement.Parse(text);
        var usage = json.GetProperty("usage");
        return new Answer(
            text, began, ended, IsWhole: true, usage.GetProperty("prompt_tokens").GetInt32(),
            usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32());
    }

    private static async Task ReadyAsync(string url)
    {
        using var http = new HttpClient();
        while (true)
        {
            using var response = await http.GetAsync(new Uri(url + "/health/ready"), Cancellation);
            if (response.IsSuccessStatusCode)
            {
                return;
            }

            await Task.Delay(50, Cancellation);
        }
    }

    private sealed record Answer(string Text, long Began, long Ended, bool IsWhole, int Prompt, int Cached);
}
