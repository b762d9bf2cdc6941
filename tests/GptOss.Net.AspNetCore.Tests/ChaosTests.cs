using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>Many clients at once, some of which leave, send nonsense or read slowly.</summary>
public sealed class ChaosTests
{
    private const int Clients = 64;
    private static readonly int RequestsPerClient = LongTests.Cases(40, 200);

    [Fact]
    public async Task Sixty_four_clients_with_chaos_get_their_own_answers_and_leave_nothing_behind()
    {
        var client = new ScriptedChatClient(request => EchoAsync(request, request.CancellationToken));
        await using var server = await TestServer.StartAsync(client, options => options.MaxConcurrentAnswers = 32);
        var (answered, refused, left) = (0, 0, 0);
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async number =>
        {
            var random = new Random(number);
            for (var i = 0; i < RequestsPerClient; i++)
            {
                var text = $"client{number}request{i}";
                var body = $$"""{"messages":[{"role":"user","content":"{{text}}"}]"""
                    + $$""","stream":{{(i % 2 == 0 ? "true" : "false")}}{{(random.Next(50) == 0 ? ",\"temperature\":9" : "")}}}""";
                using var leaves = new CancellationTokenSource();
                if (random.Next(5) == 0)
                {
                    leaves.CancelAfter(random.Next(5));
                }

                try
                {
                    using var content = new StringContent(body, Encoding.UTF8, "application/json");
                    using var response =
                        await server.Http.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), content, leaves.Token);
                    var answer = await response.Content.ReadAsStringAsync(leaves.Token);
                    if (response.StatusCode == HttpStatusCode.OK)
                    {
                        answer.Should().Contain(text);
                        Interlocked.Increment(ref answered);
                    }
                    else
                    {
                        response.StatusCode.Should().BeOneOf(HttpStatusCode.BadRequest, HttpStatusCode.TooManyRequests);
                        Interlocked.Increment(ref refused);
                    }
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref left);
                }
            }
        }));

        (answered + refused + left).Should().Be(Clients * RequestsPerClient);
        answered.Should().BeGreaterThan(0);
        refused.Should().BeGreaterThan(0);
        await OperationsTests.Eventually(() => client.Running == 0);
        TestContext.Current.TestOutputHelper?.WriteLine($"{answered} answered, {refused} refused, {left} left");
    }

    [Fact]
    public async Task A_slow_reader_holds_back_its_own_answer_alone()
    {
        const int Tokens = 200_000;
        var written = 0;
        var client =
            new ScriptedChatClient(request => CountAsync(Tokens, () => Interlocked.Increment(ref written), request.CancellationToken));
        await using var server = await TestServer.StartAsync(client);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content =
                new StringContent("""{"messages":[{"role":"user","content":"x"}],"stream":true}""", Encoding.UTF8, "application/json"),
        };
        using (await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken))
        {
            // Nobody reads: what is written stops growing, at what the buffers of both sides hold.
            int before;
            do
            {
                before = Volatile.Read(ref written);
                await Task.Delay(500, TestContext.Current.CancellationToken);
            }
            while (before != Volatile.Read(ref written));
            before.Should().BeInRange(1, Tokens - 1);
            (await server.GetAsync("/v1/models")).Status.Should().Be(HttpStatusCode.OK);
        }

        await OperationsTests.Eventually(() => client.Running == 0);
    }

    private static async IAsyncEnumerable<AIContent> EchoAsync(
        ScriptedRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return new TextReasoningContent("they say");
        await Task.Delay(1, cancellationToken);
        yield return new TextContent(request.Messages[^1].Text);
    }

    private static async IAsyncEnumerable<AIContent> CountAsync(
        int tokens, Action count, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var i = 0; i < tokens; i++)
        {
            if (i % 100 == 0)
            {
                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
            }

            count();
            yield return new TextContent("word word word word ");
        }
    }
}
