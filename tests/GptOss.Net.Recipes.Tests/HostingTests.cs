using System.Net;
using DemoModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace GptOss.Net.Recipes.Tests;

/// <summary>The code of docs/hosting.md runs as it is shown.</summary>
public sealed class HostingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void The_code_of_the_document_is_the_code_that_runs() =>
        DocumentCode.Missing(Read("hosting.md"), Read("Hosting.cs")).Should().BeEmpty("every paragraph of code stands in Hosting.cs");

    [Fact]
    public async Task A_web_application_answers_from_the_model_in_its_process()
    {
        using var directory = new TemporaryDirectory();
        var folder = await DemoCheckpoint.ExtractAsync(directory.File("nano"), Cancellation);
        await using var app = Hosting.Build(Builder(), folder);
        Hosting.MapAsk(app);
        await app.StartAsync(Cancellation);
        using var caller = Caller(app);

        var answer = await caller.GetAsync(new Uri("/ask?question=Hello!", UriKind.Relative), Cancellation);

        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        (await answer.Content.ReadAsStringAsync(Cancellation)).Should().NotBeEmpty();
        await app.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_busy_model_is_a_503_with_a_time_to_come_back()
    {
        await using var app = Application(new StubChatClient((_, _) => throw new GptOssBusyException("Busy.")));
        await app.StartAsync(Cancellation);
        using var caller = Caller(app);

        var answer = await caller.GetAsync(new Uri("/ask?question=Hello!", UriKind.Relative), Cancellation);

        answer.StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
        answer.Headers.RetryAfter!.Delta.Should().Be(TimeSpan.FromSeconds(5));
        await app.StopAsync(Cancellation);
    }

    [Fact]
    public async Task A_host_that_stops_does_not_wait_for_an_endless_answer()
    {
        var asked = new TaskCompletionSource();
        await using var app = Application(new StubChatClient(async (_, cancellationToken) =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return new ChatResponse();
        }));
        await app.StartAsync(Cancellation);
        using var caller = Caller(app);
        var answer = caller.GetAsync(new Uri("/ask?question=Hello!", UriKind.Relative), Cancellation);
        await asked.Task;

        await app.StopAsync(Cancellation).WaitAsync(TimeSpan.FromSeconds(20), Cancellation);

        (await answer).StatusCode.Should().Be(HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task A_stored_answer_is_not_another_tenants()
    {
        var asked = 0;
        using var stub = new StubChatClient((_, _) => Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, $"{++asked}"))));
        using var plain = new DistributedCachingChatClient(stub, Storage());
        using var cache = new TenantCache(stub, Storage());

        (await Ask(plain, "a")).Should().Be("1");
        (await Ask(plain, "b")).Should().Be("1", "this is what the document warns of");

        (await Ask(cache, "a")).Should().Be("2");
        (await Ask(cache, "b")).Should().Be("3");
        (await Ask(cache, "a")).Should().Be("2");
        (await Ask(cache, "a", logProbabilities: true)).Should().Be("4");
        (await Ask(cache, "a", logProbabilities: true)).Should().Be("5");
    }

    [Fact]
    public void The_options_are_valid()
    {
        Hosting.Guest().Cpu.Threads.Should().BePositive();
        Hosting.Bounded().MaxUnreadTokens.Should().Be(2_000);
    }

    private static async Task<string> Ask(IChatClient client, string tenant, bool logProbabilities = false)
    {
        var own = new GptOssRequestOptions { CacheSalt = tenant, LogProbabilities = logProbabilities };
        var response = await client.GetResponseAsync("Hello!", new ChatOptions { RawRepresentationFactory = _ => own }, Cancellation);
        return response.Text;
    }

    private static MemoryDistributedCache Storage() => new(Options.Create(new MemoryDistributedCacheOptions()));

    private static WebApplicationBuilder Builder()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration["urls"] = "http://127.0.0.1:0";
        return builder;
    }

    private static WebApplication Application(IChatClient client)
    {
        var builder = Builder();
        builder.Services.AddSingleton(client);
        var app = builder.Build();
        Hosting.MapAsk(app);
        return app;
    }

    private static HttpClient Caller(WebApplication app) =>
        new()
        {
            BaseAddress = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()),
        };

    private static string Read(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, file));

    private sealed class StubChatClient(Func<IEnumerable<ChatMessage>, CancellationToken, Task<ChatResponse>> answer) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            answer(messages, cancellationToken);

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
