using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>
/// The server over a chat client, on a free port of the loopback address. Every body and event of responses that it gives is checked
/// against the specification's data.
/// </summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestServer(WebApplication app)
    {
        _app = app;
        Url = new Uri(app.Urls.Single());
        Http = new HttpClient { BaseAddress = Url, Timeout = TimeSpan.FromMinutes(2) };
    }

    public Uri Url { get; }

    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<TestServer> StartAsync(
        IChatClient client, Action<OpenAIServerOptions>? configure = null, Action<IServiceCollection>? services = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(client);
        builder.Services.Configure<OpenAIServerOptions>(options => configure?.Invoke(options));
        services?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapOpenAI();
        await app.StartAsync();
        return new TestServer(app);
    }

    public Task StopAsync() => _app.StopAsync();

    /// <summary>Sends a JSON text; the status and the body that came.</summary>
    public async Task<JsonAnswer> PostAsync(string path, string json, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(json, Encoding.UTF8, "application/json"),
        };
        return await SendAsync(request, headers);
    }

    public async Task<JsonAnswer> GetAsync(string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        return await SendAsync(request, headers);
    }

    public async Task<JsonAnswer> SendAsync(HttpRequestMessage request, params (string Name, string Value)[] headers)
    {
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        using var response = await Http.SendAsync(request);
        var answer = await JsonAnswer.ReadAsync(response);
        OpenResponsesSchema.ShouldBeValid(response.RequestMessage!.RequestUri!.AbsolutePath, answer);
        return answer;
    }

    /// <summary>The events of a streamed answer.</summary>
    public async Task<List<ServerEvent>> StreamAsync(string path, string json)
    {
        var answer = await PostAsync(path, json);
        answer.Status.Should().Be(HttpStatusCode.OK, answer.Text);
        answer.Headers["Content-Type"].Should().Be("text/event-stream");
        return ServerEvent.Parse(answer.Text);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
