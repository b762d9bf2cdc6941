using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Hosting;

namespace GptOss.Net.Recipes.Tests;

/// <summary>The code of docs/hosting.md: paragraphs of the two are compared.</summary>
internal static class Hosting
{
    public static WebApplication Build(WebApplicationBuilder builder, string path)
    {
        builder.Services.AddGptOss(path, _ => new GptOssModelOptions { MaxSequences = 16, MaxWaitingRequests = 64 });

        WebApplication app = builder.Build();

        return app;
    }

    public static void MapAsk(WebApplication app)
    {
        app.MapGet("/ask", async (string question, IChatClient client, IHostApplicationLifetime lifetime, HttpContext context) =>
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
            try
            {
                ChatResponse response = await client.GetResponseAsync(question, new ChatOptions { MaxOutputTokens = 500 }, stop.Token);
                return Results.Text(response.Text);
            }
            catch (GptOssBusyException)
            {
                context.Response.Headers.RetryAfter = "5";
                return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
            }
            catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
            {
                return Results.StatusCode(StatusCodes.Status503ServiceUnavailable);
            }
        });
    }

    public static GptOssModelOptions Guest()
    {
        var options = new GptOssModelOptions
        {
            Cpu = new CpuOptions { Threads = Math.Max(1, Environment.ProcessorCount / 2), LoadingThreads = 1 },
            MaxStepTime = TimeSpan.FromMilliseconds(50),
        };

        return options;
    }

    public static GenerationOptions Bounded()
    {
        var bounded = new GenerationOptions { Timeout = TimeSpan.FromMinutes(2), MaxUnreadTokens = 2_000 };

        return bounded;
    }
}

#pragma warning disable MA0048 // As the document shows it.
sealed class TenantCache(IChatClient inner, IDistributedCache storage) : DistributedCachingChatClient(inner, storage)
{
    protected override bool EnableCaching(IEnumerable<ChatMessage> messages, ChatOptions? options) =>
        Own(options) is not { LogProbabilities: true } && base.EnableCaching(messages, options);

    protected override string GetCacheKey(
        IEnumerable<ChatMessage> messages, ChatOptions? options, params ReadOnlySpan<object?> additionalValues) =>
        base.GetCacheKey(messages, options, [.. additionalValues, JsonSerializer.Serialize(Own(options))]);

    private GptOssRequestOptions? Own(ChatOptions? options) => options?.RawRepresentationFactory?.Invoke(this) as GptOssRequestOptions;
}
#pragma warning restore MA0048
