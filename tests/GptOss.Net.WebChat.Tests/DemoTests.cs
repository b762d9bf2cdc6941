using System.Net.Http.Json;
using DemoModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using WebChat;
using static Microsoft.Playwright.Assertions;

namespace GptOss.Net.WebChat.Tests;

/// <summary>The demonstration model behind page and API, as the sample has them.</summary>
public sealed class DemoTests(Chromium browser) : IClassFixture<Chromium>
{
    [Fact]
    public async Task The_model_answers_in_the_page_while_eight_clients_stream_from_the_api()
    {
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0", "http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Services.AddResponseCompression();
        builder.Services.AddGptOss(
            await DemoCheckpoint.ExtractAsync(cancellationToken: TestContext.Current.CancellationToken),
            _ => new GptOssModelOptions { Name = "gpt-oss-nano", Precision = Precision.Float32, MaxModelLength = 2_048 });
        await using var app = builder.Build();
        app.UseChatPage();
        app.MapOpenAI();
        await app.StartAsync(TestContext.Current.CancellationToken);
        var urls = app.Urls.ToArray();
        await using var page = await browser.OpenAsync(urls[0]);
        await Expect(page.Page.Locator(".status .memory").First).ToBeVisibleAsync();

        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = new Uri(urls[1]) };
        var clients = Enumerable.Range(0, 8).Select(_ => StreamAsync(http, stopping.Token)).ToArray();
        await Expect(page.Page.Locator(".queue")).ToContainTextAsync("8 running");
        var used = page.Page.Locator(".legend li", new() { HasTextString = "cache, used" }).First;
        await Expect(used).ToBeVisibleAsync();

        await page.AskAsync("What is the capital of France?");
        await Expect(page.Answer).ToContainTextAsync("Paris");
        await page.CheckLookAsync("demo");

        await stopping.CancelAsync();
        await Task.WhenAll(clients);
        await Expect(page.Page.Locator(".queue")).ToContainTextAsync("0 running");
    }

    /// <summary>Answers without end, until it is stopped.</summary>
    private static async Task StreamAsync(HttpClient http, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                var request = new
                {
                    model = "gpt-oss-nano",
                    prompt = "Once upon a time",
                    max_tokens = 1_500,
                    temperature = 1,
                    stream = true,
                    logit_bias = new Dictionary<string, int> { ["200002"] = -100, ["200012"] = -100, ["199999"] = -100 },
                };
                using var message = new HttpRequestMessage(HttpMethod.Post, "/v1/completions") { Content = JsonContent.Create(request) };
                using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
                response.EnsureSuccessStatusCode();
                await response.Content.CopyToAsync(Stream.Null, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // stopped
        }
    }
}
