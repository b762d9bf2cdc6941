using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Replicas;

namespace GptOss.Net.AspNetCore.Tests.Replication;

/// <summary>Two servers behind the proxy of <c>samples/Replicas</c>.</summary>
public sealed class ReplicaTests : IAsyncLifetime
{
    private readonly ScriptedChatClient[] _clients =
        [.. Enumerable.Range(0, 2).Select(_ => new ScriptedChatClient(request => EchoAsync(request, request.CancellationToken)))];
    private readonly List<Replica> _replicas = [];
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(2) };
    private WebApplication _proxy = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        foreach (var client in _clients)
        {
            _replicas.Add(await Replica.StartAsync(client));
        }

        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddReplicas([.. _replicas.Select(replica => replica.Url)], probe: TimeSpan.FromMilliseconds(200));
        _proxy = builder.Build();
        _proxy.MapReplicas();
        await _proxy.StartAsync();
        _http.BaseAddress = new Uri(_proxy.Urls.Single());
    }

    [Fact]
    public async Task A_conversation_stays_with_its_replica_and_conversations_are_spread()
    {
        for (var conversation = 0; conversation < 20; conversation++)
        {
            var messages = $$"""{"role":"system","content":"Be brief"},{"role":"user","content":"conversation {{conversation}}"}""";
            for (var turn = 0; turn < 3; turn++)
            {
                (await PostAsync("/v1/chat/completions", $$"""{"messages":[{{messages}}]}""")).Should().Contain("echo");
                messages += $$""",{"role":"assistant","content":"a"},{"role":"user","content":"turn {{turn}}"}""";
            }
        }

        var places = _clients.Select(
            client => client.Requests.GroupBy(request => request.Messages[1].Text).ToDictionary(group => group.Key, group => group.Count()))
            .ToArray();
        places[0].Keys.Intersect(places[1].Keys).Should().BeEmpty();
        places.SelectMany(place => place.Values).Should().OnlyContain(count => count == 3);
        places.Should().OnlyContain(place => place.Count >= 3);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_response_is_continued_where_it_is_kept(bool stream)
    {
        for (var i = 0; i < 10; i++)
        {
            var first = await PostAsync("/v1/responses", $$"""{"input":"start {{i}}","stream":{{(stream ? "true" : "false")}}}""");
            var id = first[first.IndexOf("resp_", StringComparison.Ordinal)..][..37];
            var next = JsonDocument.Parse(
                await PostAsync("/v1/responses", $$"""{"input":"go on {{i}}","previous_response_id":"{{id}}"}""")).RootElement;
            next.GetProperty("previous_response_id").GetString().Should().Be(id);
            (await _http.GetStringAsync(new Uri($"/v1/responses/{id}", UriKind.Relative), Cancellation)).Should().Contain(id);
        }

        _clients.Should().OnlyContain(client => !client.Requests.IsEmpty);
    }

    [Fact]
    public async Task When_a_replica_is_killed_only_what_it_was_saying_is_lost_and_says_so()
    {
        var load = LoadAsync(clients: 16, requests: 30);
        await OperationsTests.Eventually(() => _clients[0].Requests.Count > 40 && _replicas[0].Running > 0);
        var running = await _replicas[0].KillAsync();
        var answers = await load;

        answers.Should().HaveCount(16 * 30);
        var lost = answers.Where(answer => !answer.Contains("echo", StringComparison.Ordinal)
            || answer.Contains("\"error\"", StringComparison.Ordinal)).ToList();
        lost.Count.Should().BeLessThanOrEqualTo(running);
        lost.Where(
            answer => !answer.Contains("replica_lost", StringComparison.Ordinal)
                || !answer.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal))
            .Should().BeEmpty("each says so, if any was lost");
        _clients[1].Requests.Count.Should().BeGreaterThan(16 * 30 / 2);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{running} answers ran on the replica that was killed, {lost.Count} were lost, {answers.Count} were asked for");
    }

    [Fact]
    public async Task When_a_replica_drains_nothing_is_lost()
    {
        var load = LoadAsync(clients: 16, requests: 30);
        await OperationsTests.Eventually(() => _clients[0].Requests.Count > 40);
        _replicas[0].Drain();
        await _replicas[0].StopAsync();
        var answers = await load;

        answers.Should().HaveCount(16 * 30).And.OnlyContain(
            answer => answer.Contains("echo", StringComparison.Ordinal) && !answer.Contains("\"error\"", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _proxy.DisposeAsync();
        foreach (var replica in _replicas)
        {
            await replica.DisposeAsync();
        }
    }

    private async Task<List<string>> LoadAsync(int clients, int requests)
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, clients).Select(async client =>
        {
            var own = new List<string>();
            for (var i = 0; i < requests; i++)
            {
                own.Add(
                    await PostAsync(
                        "/v1/chat/completions",
                        $$"""{"messages":[{"role":"user","content":"client {{client}} {{i}}"}]"""
                        + $$""","stream":{{(i % 2 == 0 ? "true" : "false")}}}"""));
            }

            return own;
        }));
        return [.. answers.SelectMany(own => own)];
    }

    private async Task<string> PostAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(new Uri(path, UriKind.Relative), content, Cancellation);
        return await response.Content.ReadAsStringAsync(Cancellation);
    }

    private static async IAsyncEnumerable<AIContent> EchoAsync(
        ScriptedRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var i = 0; i < 5; i++)
        {
            yield return new TextContent($"part {i} ");
            await Task.Delay(4, cancellationToken);
        }

        yield return new TextContent("echo of " + request.Messages[^1].Text);
    }
}
