using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace GptOss.Net.Tests.Readme;

/// <summary>The code that README.md shows, paragraph by paragraph; <see cref="ReadmeTests"/> compares.</summary>
internal static class ReadmeSnippets
{
    public static async Task Chat()
    {
        await using var model = await GptOssModel.LoadAsync("path/to/gpt-oss-20b");
        using IChatClient client = model.AsIChatClient();

        await foreach (var update in client.GetStreamingResponseAsync("Why is the sky blue?"))
        {
            Console.Write(update.Text);
        }
    }

    public static async Task<(string Answer, Capital Capital)> ToolsAndStructuredOutput(IChatClient client)
    {
        using IChatClient agent = new ChatClientBuilder(client).UseFunctionInvocation().Build();
        AIFunction weather = AIFunctionFactory.Create((string location) => $"18 degrees and sunny in {location}", "get_weather");
        ChatResponse answer = await agent.GetResponseAsync("What is the weather in Paris?", new ChatOptions { Tools = [weather] });

        ChatResponse<Capital> capital = await client.GetResponseAsync<Capital>("What is the capital of France?");
        Console.WriteLine($"{answer.Text} {capital.Result.City} is the capital of {capital.Result.Country}.");

        return (answer.Text, capital.Result);
    }

    public static void Services(IHostApplicationBuilder builder)
    {
        builder.Services.AddGptOss("openai/gpt-oss-20b");
        builder.Services.AddChatClient(services => services.GetRequiredService<HostedGptOssModel>().ChatClient).UseFunctionInvocation();
    }

    public static async Task Placement()
    {
        var options = new GptOssModelOptions
        {
            MaxModelLength = 32_768,
            Placement = new PlacementOptions
            {
                LayerDevices = [.. Enumerable.Range(0, 24).Select(layer => DeviceId.Cuda(layer < 12 ? 0 : 1))],
                MemoryLimits = new Dictionary<DeviceId, long> { [DeviceId.Cuda(1)] = 16L << 30 },
            },
        };
        await using var model = await GptOssModel.LoadAsync("openai/gpt-oss-20b", options);
        Console.WriteLine(model.Placement);
    }

    public static GptOssModelStatistics Statistics(GptOssModel model)
    {
        GptOssModelStatistics now = model.GetStatistics();
        Console.WriteLine($"{now.RunningRequests} run, {now.WaitingRequests} wait, {now.GeneratedTokensPerSecond:F0} tokens/s");

        return now;
    }

    public static async Task<float[,]> TokensAndLogits(GptOssModel model)
    {
        int[] prompt = model.Tokenizer.Encode("The sky is");
        await foreach (var token in model.GenerateAsync(prompt, new SamplingOptions { Temperature = 0, MaxOutputTokens = 16 }))
        {
            Console.Write(token.Text);
        }

        float[,] logits = model.ComputeLogits(prompt); // [tokens, vocabulary]

        return logits;
    }
}

#pragma warning disable CA1852, MA0048 // As the README shows it.
record Capital(string City, string Country);
#pragma warning restore CA1852, MA0048
