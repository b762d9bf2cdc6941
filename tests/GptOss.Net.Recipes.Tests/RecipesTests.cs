using System.IO.Pipelines;
using System.Text;
using DemoModel;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ModelContextProtocol.Server;

namespace GptOss.Net.Recipes.Tests;

/// <summary>The recipes run as the document shows them, with the demo model.</summary>
public sealed class RecipesTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new();
    private GptOssModel _model = null!;
    private RecordingClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static AIFunction Weather { get; } =
        AIFunctionFactory.Create((string location) => $"18 degrees and sunny in {location}", "get_weather");

    public async ValueTask InitializeAsync()
    {
        var folder = await DemoCheckpoint.ExtractAsync(_directory.File("nano"), Cancellation);
        _model = await GptOssModel.LoadAsync(folder, Small(), cancellationToken: Cancellation);
        _client = new RecordingClient(_model.AsIChatClient());
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _model.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public void The_code_of_the_document_is_the_code_that_runs() =>
        DocumentCode.Missing(Read("recipes.md"), Read("Recipes.cs")).Should().BeEmpty("every paragraph of code stands in Recipes.cs");

    [Fact]
    public async Task A_host_has_the_model_in_its_services()
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddGptOss(_directory.File("nano"), _ => Small());
        Recipes.Keys(builder);
        using var host = builder.Build();
        await host.StartAsync(Cancellation);

        var response = await host.Services.GetRequiredService<IChatClient>().GetResponseAsync("Hello!", cancellationToken: Cancellation);

        response.Text.Should().NotBeEmpty();
        (await Recipes.Readiness(host.Services.GetRequiredService<HostedGptOssModel>(), Cancellation)).Should().Be("readynano");
        host.Services.GetRequiredKeyedService<HostedGptOssModel>("small").IsReady.Should().BeFalse();
        await host.StopAsync(Cancellation);
    }

    [Fact]
    public void A_host_has_a_pipeline_around_the_model()
    {
        var builder = Host.CreateApplicationBuilder();
        Recipes.Services(builder);
        using var host = builder.Build();

        var client = host.Services.GetRequiredService<IChatClient>();

        client.GetService<FunctionInvokingChatClient>().Should().NotBeNull();
        client.GetService<ChatClientMetadata>()!.DefaultModelId.Should().Be("gpt-oss-20b");
    }

    [Fact]
    public async Task An_agent_calls_its_tool_and_goes_on_with_a_stored_session()
    {
        var (first, second) = await Recipes.Agent(_client);

        first.Should().Contain("Paris");
        second.Should().NotBeEmpty();
        _client.Last.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Should().ContainSingle(
            result => result.Result!.ToString() == "18 degrees and sunny in Paris");
        Recipes.SharedKey(new byte[16]).ReasoningProtection.Should().NotBeNull();
    }

    [Fact]
    public async Task Reasoning_is_protected_by_the_data_protection_of_the_application()
    {
        var provider = new EphemeralDataProtectionProvider();
        var options = Small() with { ReasoningProtection = Recipes.DataProtection(provider).ReasoningProtection };
        await using var model = await GptOssModel.LoadAsync(_directory.File("nano"), options, cancellationToken: Cancellation);
        using var client = new RecordingClient(model.AsIChatClient());

        var response = await client.GetResponseAsync("What is the weather in Paris?", new ChatOptions { Tools = [Weather] }, Cancellation);

        var data = response.Messages.SelectMany(message => message.Contents).OfType<TextReasoningContent>().First().ProtectedData!;
        provider.CreateProtector("reasoning").Unprotect(Convert.FromBase64String(data)).Should().NotBeEmpty();
    }

    [Fact]
    public async Task The_model_calls_a_tool_of_an_mcp_server()
    {
        var (toServer, fromServer) = (new Pipe(), new Pipe());
        var options = new McpServerOptions { ToolCollection = [McpServerTool.Create(Weather)] };
        await using var server =
            McpServer.Create(new StreamServerTransport(toServer.Reader.AsStream(), fromServer.Writer.AsStream()), options);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var running = server.RunAsync(stop.Token);

        var answer = await Recipes.Mcp(_client, toServer.Writer.AsStream(), fromServer.Reader.AsStream());

        answer.Should().Contain("Paris");
        _client.Last.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Should().ContainSingle();
        await stop.CancelAsync();
        await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
    }

    [Fact]
    public async Task Semantic_kernel_calls_its_plugin()
    {
        var answer = await Recipes.SemanticKernel(_client);

        answer.Should().NotBeEmpty();
        _client.Last.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Should().ContainSingle();
    }

    [Fact]
    public async Task An_answer_is_made_from_passages_that_were_found()
    {
        using var embeddings = new WordEmbeddings();
        using var passages = new InMemoryCollection();

        var (answer, found) = await Recipes.Retrieval(
            _client, embeddings, passages, ["Bananas are yellow.", "Paris is the capital of France.", "The sky is blue."]);

        answer.Should().NotBeEmpty();
        found.Should().HaveCount(2);
        found[0].Should().Be("Paris is the capital of France.");
        _client.Last[0].Text.Should().Contain("Paris is the capital of France.");
    }

    [Fact]
    public async Task A_question_is_heard_and_the_answer_spoken()
    {
        using var ears = new PlainEars();
        using var voice = new PlainVoice();
        using var recording = new MemoryStream(Encoding.UTF8.GetBytes("Hello!"));

        var spoken = await Recipes.Speech(_client, ears, voice, recording);

        _client.Last.Should().ContainSingle().Which.Text.Should().Be("Hello!");
        spoken.Data.Length.Should().BePositive();
    }

    [Fact]
    public async Task A_long_conversation_loses_its_oldest_turns()
    {
        var turns = Enumerable.Range(0, 30).SelectMany(i => new ChatMessage[]
        {
            new(ChatRole.User, string.Concat(Enumerable.Repeat($"word{i} ", 100))), new(ChatRole.Assistant, "Yes."),
        });

        var shortened = await Recipes.Shortened(_model.AsIChatClient(), [.. turns]);

        shortened.Count.Should().BeInRange(2, 58);
        shortened[0].Role.Should().Be(ChatRole.User);
        (await _model.AsIChatClient().CountTokensAsync(shortened, cancellationToken: Cancellation)).Should().BeLessThanOrEqualTo(4_000);
    }

    private static GptOssModelOptions Small() => new() { MaxModelLength = 1_024, MaxSequences = 1, Cpu = new CpuOptions { Threads = 1 } };

    private static string Read(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, file));
}
