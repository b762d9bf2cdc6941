using DemoModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>
/// The demonstration model behind the server, as the sample has it; loaded once for all tests of it, which run one after the other.
/// </summary>
[CollectionDefinition(Collection)]
public sealed class DemoServer : IAsyncLifetime, ICollectionFixture<DemoServer>
{
    public const string Collection = "the demonstration model, and the meter of this process";
    public const string Model = "gpt-oss-nano";
    public const int MaxSequences = 16;

    private readonly WebApplication _app;

    public DemoServer()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddGptOss(
            DemoCheckpoint.ExtractAsync().GetAwaiter().GetResult(),
            _ => new GptOssModelOptions
            {
                Name = Model,
                Precision = Precision.Float32,
                MaxModelLength = 2_048,
                MaxSequences = MaxSequences,
            });
        _app = builder.Build();
        _app.MapOpenAI();
    }

    public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromMinutes(5) };

    public GptOssModelStatistics Statistics => _app.Services.GetRequiredService<HostedGptOssModel>().GetModelAsync().Result.GetStatistics();

    public async ValueTask InitializeAsync()
    {
        await _app.StartAsync();
        Http.BaseAddress = new Uri(_app.Urls.Single());
        await _app.Services.GetRequiredService<HostedGptOssModel>().GetModelAsync();
    }

    /// <summary>Sends a JSON text; the body that came.</summary>
    public async Task<string> PostAsync(string path, string json, CancellationToken cancellationToken, string? traceParent = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(json, System.Text.Encoding.UTF8, "application/json"),
        };
        if (traceParent is not null)
        {
            request.Headers.Add("traceparent", traceParent);
        }

        using var response = await Http.SendAsync(request, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        response.IsSuccessStatusCode.Should().BeTrue(text);
        OpenResponsesSchema.ShouldBeValid(path, await JsonAnswer.ReadAsync(response));
        return text;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
