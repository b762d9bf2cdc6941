using System.Text.Json;
using static Microsoft.Playwright.Assertions;

namespace GptOss.Net.WebChat.Tests;

/// <summary>What the page shows of the server: states and figures that a test sets instead of the server.</summary>
public sealed class ServerStateTests(Chromium browser) : IClassFixture<Chromium>
{
    private const long GB = 1_000_000_000;

    public static TheoryData<string, int> Looks => StateTests.Looks;

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task Downloading_loading_and_compiling_tell_how_much_and_how_long(string scheme, int width)
    {
        await using var server = await PageServer.StartAsync(configure: options => options.AnswersToAnyName = true);
        var bytes = 1 * GB;
        var stage = "downloading";
        await using var page = await OpenAsync(server, scheme, width, () => new
        {
            status = "loading",
            model = "openai/gpt-oss-20b",
            progress = new { stage, read_bytes = bytes += 50_000_000, total_bytes = 13 * GB, finished_files = 1, total_files = 4 },
        });
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("of 13.0 GB, 1 of 4 files · ");
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("MB/s, about ");
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("minutes left");
        await page.CheckAsync($"downloading-{scheme}-{width}");

        stage = "compiling";
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("Compiling kernels:");
        await page.CheckAsync($"compiling-{scheme}-{width}");
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task Two_devices_one_of_them_nearly_full_and_a_place_in_the_queue(string scheme, int width)
    {
        await using var server = await PageServer.StartAsync(configure: options => options.AnswersToAnyName = true);
        var waiting = 3;
        await using var page = await OpenAsync(server, scheme, width, () => new
        {
            status = "ready",
            model = "openai/gpt-oss-20b",
            max_model_len = 131_072,
            tokens_per_second = 184.2,
            requests = new { running = 8, waiting },
            memory = new[] { Device("cuda:0", free: 6 * GB), Device("cuda:1", free: GB / 4) },
        });
        await Expect(page.Page.Locator(".memory")).ToHaveCountAsync(2);
        await Expect(page.Page.Locator(".memory.tight")).ToHaveCountAsync(1);
        await page.SendAsync("wait");
        await Expect(page.Answer).ToContainTextAsync("Waiting in the queue, at place 3.");
        await page.CheckAsync($"queued-{scheme}-{width}");
        waiting = 1;
        await Expect(page.Answer).ToContainTextAsync("at place 1.");
        waiting = 5; // others came later
        await Expect(page.Page.Locator(".queue")).ToContainTextAsync("5 waiting");
        await Expect(page.Answer).ToContainTextAsync("at place 1.");
        server.Chat.Release.SetResult();
        await page.EndsAsync("done");
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task A_server_that_drains_or_is_busy_says_so(string scheme, int width)
    {
        await using var server = await PageServer.StartAsync(configure: options => options.AnswersToAnyName = true);
        var status = "ready";
        await using var page = await OpenAsync(server, scheme, width, () => new { status, model = "openai/gpt-oss-20b", requests = new { running = 0, waiting = 0 } });
        var (code, answers) = (429, 0);
        await page.Page.RouteAsync("**/v1/chat/completions", async route =>
        {
            if (++answers > 1)
            {
                await route.ContinueAsync();
                return;
            }

            await route.FulfillAsync(new()
            {
                Status = code,
                Headers = new Dictionary<string, string>(StringComparer.Ordinal) { ["Retry-After"] = "3" },
                Body = """{"error":{"message":"The server is shutting down.","type":"server_error"}}""",
            });
        });
        await page.SendAsync("hello");
        await Expect(page.Answer).ToContainTextAsync("The server is busy. Trying again in 3 s.");
        await page.CheckAsync($"busy-{scheme}-{width}");
        await page.EndsAsync("done");

        (code, answers) = (503, 0);
        await page.SendAsync("hello again");
        await Expect(page.Answer).ToContainTextAsync("The server is shutting down. Trying again in 3 s.");
        await page.Page.Keyboard.PressAsync("Escape");
        await page.EndsAsync("stopped");

        status = "draining";
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("The server is shutting down.");
        await Expect(page.Button("Send")).ToBeDisabledAsync();
        await page.CheckAsync($"draining-{scheme}-{width}");
    }

    [Fact]
    public async Task A_key_that_is_refused_in_the_middle_is_asked_for_and_the_answer_can_be_tried_again()
    {
        await using var server = await PageServer.StartAsync(configure: options => options.ApiKeys.Add("secret"));
        await using var page = await browser.OpenAsync(server.Url);
        await page.Page.GetByLabel("API key").FillAsync("wrong");
        await page.Page.Keyboard.PressAsync("Enter");
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("does not know this key");
        await page.CheckAsync("key");
        await page.Page.GetByLabel("API key").FillAsync("secret");
        await page.Page.Keyboard.PressAsync("Enter");
        await page.AskAsync("hello");

        await page.Page.EvaluateAsync("sessionStorage.clear()");
        await page.SendAsync("hello again");
        await page.EndsAsync("failed");
        await Expect(page.Answer).ToContainTextAsync("needs an API key");
        await page.Page.EvaluateAsync("sessionStorage.setItem('api-key', 'secret')");
        await page.Button("Try again").ClickAsync();
        await page.EndsAsync("done");
    }

    private static object Device(string name, long free) => new
    {
        device = name,
        total_bytes = 24 * GB,
        weight_bytes = 7 * GB,
        kv_bytes = 9 * GB,
        kv_used_bytes = 3 * GB,
        workspace_bytes = GB,
        free_bytes = free,
    };

    private Task<BrowserPage> OpenAsync(PageServer server, string scheme, int width, Func<object> status) =>
        browser.OpenAsync(server.Url, scheme, width, width < 760 ? 800 : 850, before: page => page.RouteAsync(
            "**/v1/status?stream=true",
            route => route.FulfillAsync(new() { ContentType = "text/event-stream", Body = $"data: {JsonSerializer.Serialize(status())}\n\n" })));
}
