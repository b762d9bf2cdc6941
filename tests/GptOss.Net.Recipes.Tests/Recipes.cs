using System.ComponentModel;
using System.Text.Json;
using Microsoft.Agents.AI;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.VectorData;
using Microsoft.SemanticKernel;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace GptOss.Net.Recipes.Tests;

/// <summary>The code of docs/recipes.md: paragraphs of the two are compared.</summary>
internal static class Recipes
{
    public static void Services(HostApplicationBuilder builder)
    {
        builder.Services.AddGptOss("openai/gpt-oss-20b", _ => new GptOssModelOptions { MaxSequences = 32 });
        builder.Services.AddChatClient(services => services.GetRequiredService<HostedGptOssModel>().ChatClient).UseFunctionInvocation();
    }

    public static void Keys(HostApplicationBuilder builder)
    {
        builder.Services.AddKeyedGptOss("exact", "openai/gpt-oss-20b");
        builder.Services.AddKeyedGptOss("small", "path/to/another");
    }

    public static async Task<string> Readiness(HostedGptOssModel model, CancellationToken cancellationToken)
    {
        string state = model.IsReady ? "ready" : model.Failure?.Message ?? $"loading, {model.Progress.Fraction:P0}";

        GptOssModel loaded = await model.GetModelAsync(cancellationToken);

        return state + loaded.Name;
    }

    public static async Task<(string First, string Second)> Agent(IChatClient client)
    {
        AIFunction weather = AIFunctionFactory.Create((string location) => $"18 degrees and sunny in {location}", "get_weather");
        AIAgent agent = client.AsAIAgent(instructions: "You are helpful.", name: "helper", tools: [weather]);

        AgentSession session = await agent.CreateSessionAsync();
        AgentResponse answer = await agent.RunAsync("What is the weather in Paris?", session);

        JsonElement stored = await agent.SerializeSessionAsync(session);

        AgentSession restored = await agent.DeserializeSessionAsync(stored);
        AgentResponse next = await agent.RunAsync("Thank you!", restored);

        return (answer.Text, next.Text);
    }

    public static GptOssModelOptions SharedKey(byte[] key)
    {
        var options = new GptOssModelOptions { ReasoningProtection = ReasoningProtection.FromKey(key) };

        return options;
    }

    public static GptOssModelOptions DataProtection(IDataProtectionProvider provider)
    {
        IDataProtector protector = provider.CreateProtector("reasoning");
        var options = new GptOssModelOptions { ReasoningProtection = new(protector.Protect, protector.Unprotect) };

        return options;
    }

    public static async Task<string> Mcp(IChatClient client, Stream toServer, Stream fromServer)
    {
        await using McpClient server = await McpClient.CreateAsync(new StreamClientTransport(toServer, fromServer));
        IList<McpClientTool> tools = await server.ListToolsAsync();

        using IChatClient agent = client.AsBuilder().UseFunctionInvocation().Build();
        ChatResponse answer = await agent.GetResponseAsync("What is the weather in Paris?", new ChatOptions { Tools = [.. tools] });

        return answer.Text;
    }

    public static async Task<string> SemanticKernel(IChatClient client)
    {
        IKernelBuilder builder = Kernel.CreateBuilder();
        builder.Services.AddSingleton(client.AsBuilder().UseKernelFunctionInvocation().Build());
        builder.Plugins.AddFromType<WeatherPlugin>("weather");
        Kernel kernel = builder.Build();

        var settings = new PromptExecutionSettings { FunctionChoiceBehavior = FunctionChoiceBehavior.Auto() };
        FunctionResult answer = await kernel.InvokePromptAsync("What is the weather in Paris?", new KernelArguments(settings));

        return answer.ToString();
    }

    public static async Task<(string Answer, IReadOnlyList<string> Found)> Retrieval(
        IChatClient client, IEmbeddingGenerator<string, Embedding<float>> embeddings, VectorStoreCollection<string, Passage> passages,
        string[] texts)
    {
        await passages.EnsureCollectionExistsAsync();
        foreach (string text in texts)
        {
            await passages.UpsertAsync(new Passage { Id = text, Text = text, Vector = await embeddings.GenerateVectorAsync(text) });
        }

        const string Question = "What is the capital of France?";
        List<string> found = [];
        await foreach (VectorSearchResult<Passage> hit in passages.SearchAsync(await embeddings.GenerateVectorAsync(Question), top: 2))
        {
            found.Add(hit.Record.Text);
        }

        ChatResponse answer = await client.GetResponseAsync(
        [
            new ChatMessage(ChatRole.System, "Answer from these passages:\n" + string.Join('\n', found)),
            new ChatMessage(ChatRole.User, Question),
        ]);

        return (answer.Text, found);
    }

    public static async Task<DataContent> Speech(IChatClient client, ISpeechToTextClient ears, ITextToSpeechClient voice, Stream recording)
    {
        SpeechToTextResponse question = await ears.GetTextAsync(recording);
        ChatResponse answer = await client.GetResponseAsync(question.Text);
        TextToSpeechResponse spoken = await voice.GetAudioAsync(answer.Text);

        return spoken.Contents.OfType<DataContent>().Single();
    }

    public static async Task<List<ChatMessage>> Shortened(GptOssChatClient client, List<ChatMessage> history)
    {
        while (await client.CountTokensAsync(history) > 4_000
            && history.FindIndex(1, message => message.Role == ChatRole.User) is > 0 and var next)
        {
            history.RemoveRange(0, next); // a whole turn, so that calls stay with their results
        }

        return history;
    }

    internal sealed class Passage
    {
        [VectorStoreKey]
        public required string Id { get; init; }

        [VectorStoreData]
        public required string Text { get; init; }

        [VectorStoreVector(256)]
        public ReadOnlyMemory<float> Vector { get; init; }
    }

    internal sealed class WeatherPlugin
    {
        [KernelFunction("get_weather")]
        [Description("The weather at a place")]
        public string GetWeather(string location) => $"18 degrees and sunny in {location}";
    }
}
