using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.AspNetCore.Tests.Replication;

/// <summary>A server that can be killed: its connections break, and nobody listens any more.</summary>
internal sealed class Replica : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<HttpContext, bool> _running = new();
    private volatile bool _isKilled;
    private int _cut;

    private Replica(WebApplication app) => _app = app;

    public string Url => _app.Urls.Single();

    /// <summary>Gets how many requests for answers run now.</summary>
    public int Running => _running.Count;

    public static async Task<Replica> StartAsync(IChatClient client)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(client);
        var app = builder.Build();
        var replica = new Replica(app);
        app.Use(async (http, next) =>
        {
            if (HttpMethods.IsPost(http.Request.Method))
            {
                replica._running[http] = true;
            }

            try
            {
                await next(http);
            }
            finally
            {
                if (replica._running.TryRemove(http, out _) && replica._isKilled)
                {
                    Interlocked.Increment(ref replica._cut);
                }
            }
        });
        app.MapOpenAI();
        await app.StartAsync();
        return replica;
    }

    /// <summary>Breaks all connections at once; how many answers ran then or began meanwhile, and so may be lost.</summary>
    public async Task<int> KillAsync()
    {
        _isKilled = true;
        var stopping = _app.StopAsync(new CancellationToken(canceled: true));
        while (!stopping.IsCompleted || !_running.IsEmpty)
        {
            foreach (var http in _running.Keys)
            {
                try
                {
                    http.Abort();
                }
                catch (ObjectDisposedException)
                {
                    // It has just ended.
                }
            }

            await Task.Delay(5);
        }

        await stopping;
        return _cut;
    }

    /// <summary>Stops as the host does when it is told to: what runs ends first.</summary>
    public void Drain() => _app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

    public Task StopAsync() => _app.StopAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
