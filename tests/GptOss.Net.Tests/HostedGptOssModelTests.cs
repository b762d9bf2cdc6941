using DemoModel;
using GptOss.Net.Tests.Engine.Telemetry;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Tests;

/// <summary>A model among the services of an application.</summary>
public sealed class HostedGptOssModelTests
{
    private static readonly Func<IServiceProvider, GptOssModelOptions> Small =
        _ => new GptOssModelOptions { MaxModelLength = 512, MaxSequences = 1, Cpu = new CpuOptions { Threads = 1 } };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_host_loads_it_and_requests_wait_for_it()
    {
        using var directory = new TemporaryDirectory();
        var path = await DemoCheckpoint.ExtractAsync(directory.File("nano"), Cancellation);
        await using var services = new ServiceCollection().AddGptOss(path, Small).BuildServiceProvider();
        var model = services.GetRequiredService<HostedGptOssModel>();
        var client = services.GetRequiredService<IChatClient>();
        model.IsReady.Should().BeFalse();
        client.GetService<GptOssModel>().Should().BeNull();
        client.GetService<ChatClientMetadata>()!.DefaultModelId.Should().Be("nano");

        foreach (var service in services.GetServices<IHostedService>())
        {
            await service.StartAsync(Cancellation);
        }

        var response = await client.GetResponseAsync("Hello!", new() { Temperature = 0 }, Cancellation);

        response.Text.Should().NotBeEmpty();
        model.IsReady.Should().BeTrue();
        model.Progress.Fraction.Should().Be(1);
        client.GetService<GptOssModel>().Should().BeSameAs(await model.GetModelAsync(Cancellation));
    }

    [Fact]
    public async Task Without_a_host_the_first_request_loads_it()
    {
        using var directory = new TemporaryDirectory();
        var path = await DemoCheckpoint.ExtractAsync(directory.File("nano"), Cancellation);
        await using var services = new ServiceCollection().AddGptOss(path, Small).BuildServiceProvider();
        var text = "";

        await foreach (var update in services.GetRequiredService<IChatClient>()
            .GetStreamingResponseAsync("Hello!", cancellationToken: Cancellation))
        {
            text += update.Text;
        }

        text.Should().NotBeEmpty();
    }

    [Fact]
    public async Task Disposing_the_services_frees_the_model()
    {
        using var directory = new TemporaryDirectory();
        var path = await DemoCheckpoint.ExtractAsync(directory.File("nano"), Cancellation);
        var services = new ServiceCollection().AddGptOss(path, Small).BuildServiceProvider();
        var hosted = services.GetRequiredService<HostedGptOssModel>();
        var model = await hosted.GetModelAsync(Cancellation);

        await services.DisposeAsync();

        model.Health.Should().Be(ModelHealth.Disposed);
        hosted.IsReady.Should().BeFalse();
        await hosted.Awaiting(disposed => disposed.GetModelAsync(Cancellation)).Should().ThrowAsync<ObjectDisposedException>();
    }

    [Fact]
    public async Task What_cannot_be_loaded_fails_every_request_and_is_never_ready()
    {
        await using var services = new ServiceCollection().AddGptOss("no/such-model").BuildServiceProvider();
        var hosted = services.GetRequiredService<HostedGptOssModel>();
        await hosted.StartAsync(Cancellation);

        var client = services.GetRequiredService<IChatClient>();

        await client.Awaiting(failing => failing.GetResponseAsync("Hello!", null, Cancellation)).Should().ThrowAsync<CheckpointException>();
        hosted.IsReady.Should().BeFalse();
        hosted.Failure.Should().BeOfType<CheckpointException>();
    }

    [Fact]
    public void Models_are_told_apart_by_keys()
    {
        using var services = new ServiceCollection()
            .AddKeyedGptOss("small", "no/small").AddKeyedGptOss("large", "no/large").BuildServiceProvider();

        services.GetRequiredKeyedService<IChatClient>("small").GetService<ChatClientMetadata>()!.DefaultModelId.Should().Be("small");
        services.GetRequiredKeyedService<HostedGptOssModel>("large").Name.Should().Be("large");
        services.GetServices<IHostedService>().Should().HaveCount(2);
        services.GetService<IChatClient>().Should().BeNull();
    }

    [Fact]
    public void A_pipeline_of_the_application_counts_more()
    {
        var collection = new ServiceCollection().AddGptOss("no/model");
        collection.AddChatClient(provider => provider.GetRequiredService<HostedGptOssModel>().ChatClient).UseFunctionInvocation();
        using var services = collection.BuildServiceProvider();

        services.GetRequiredService<IChatClient>().GetService<FunctionInvokingChatClient>().Should().NotBeNull();
        services.GetRequiredService<IChatClient>().GetService<HostedGptOssModel>().Should().NotBeNull();
    }

    [Fact]
    public async Task It_logs_where_the_services_do()
    {
        var logger = new CountingLogger();
        await using var services = new ServiceCollection()
            .AddSingleton<ILoggerFactory>(new OneLogger(logger)).AddGptOss("no/such-model").BuildServiceProvider();

        var loading = services.GetRequiredService<HostedGptOssModel>().GetModelAsync(Cancellation);

        await loading.Awaiting(task => task).Should().ThrowAsync<CheckpointException>();
        logger.Count.Should().Be(1);
    }

    private sealed class OneLogger(ILogger logger) : ILoggerFactory
    {
        public ILogger CreateLogger(string categoryName) => logger;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }
    }
}
