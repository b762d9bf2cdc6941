using GptOss.Net.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WebChat;

namespace GptOss.Net.WebChat.Tests;

/// <summary>The sample's page and API over a scripted chat client, on a port of the loopback address.</summary>
internal sealed class PageServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private PageServer(WebApplication app, PageChat chat, PageStatus status) => (_app, Chat, Status) = (app, chat, status);

    public PageChat Chat { get; }

    public PageStatus Status { get; }

    public string Url => _app.Urls.Single();

    public static async Task<PageServer> StartAsync(int port = 0, Action<OpenAIServerOptions>? configure = null)
    {
        var (chat, status) = (new PageChat(), new PageStatus());
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Logging.ClearProviders();
        builder.Services.AddResponseCompression();
        builder.Services.AddSingleton<IChatClient>(chat);
        builder.Services.AddSingleton<IModelStatus>(status);
        builder.Services.Configure<OpenAIServerOptions>(options => configure?.Invoke(options));
        var app = builder.Build();
        app.Use((http, next) =>
        {
            chat.Abort = http.Request.Method == HttpMethods.Post ? http.Abort : chat.Abort;
            return next(http);
        });
        app.UseChatPage();
        app.MapOpenAI();
        await app.StartAsync();
        return new PageServer(app, chat, status);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
