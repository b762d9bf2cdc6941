using System.Text.Json;
using static Microsoft.Playwright.Assertions;

namespace GptOss.Net.WebChat.Tests;

/// <summary>What the page shows of the server: states and figures that a test sets instead of the server.</summary>
public sealed class ServerStateTests(Chromium browser) : IClassFixture<Chromium>
{
    private const long GB = 1_000_000_000;

    [Fact]
    public async Task Downloading_loading_and_compiling_tell_how_much_and_how_long()
    {
        await using var server = await PageServer.StartAsync(configure: options => options.AnswersToAnyName = true);
        var (done, step, total) = (1 * GB, 50_000_000L, 13 * GB);
        var stage = "downloading";
        await using var page = await OpenAsync(server, () => new
        {
            status = "loading",
            model = "openai/gpt-oss-20b",
            progress = new { stage, read_bytes = done += step, total_bytes = total, finished_files = 1, total_files = 4 },
        });
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("of 13.0 GB, 1 of 4 files · ");
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("MB/s, about ");
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("minutes left");
        await page.CheckAsync("downloading");

        (stage, done, step, total) = ("compiling", 12, 0, 40); // kernels
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("Compiling kernels: 12 of 40");
        await page.CheckAsync("compiling");
    }

    [Fact]
    public async Task Two_devices_one_of_them_nearly_full_and_a_place_in_the_queue()
    {
        await using var server = await PageServer.StartAsync(configure: options => options.AnswersToAnyName = true);
        var waiting = 3;
        await using var page = await OpenAsync(server, () => new
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
        await page.CheckAsync("queued");
        waiting = 1;
        await Expect(page.Answer).ToContainTextAsync("at place 1.");
        waiting = 5; // others came later
        await Expect(page.Page.Locator(".queue")).ToContainTextAsync("5 waiting");
        await Expect(page.Answer).ToContainTextAsync("at place 1.");
        server.Chat.Release.SetResult();
        await page.EndsAsync("done");
        await page.CheckAsync("two-devices");
    }

    [Fact]
    public async Task Figures_draw_nothing_but_their_panel()
    {
        await using var server = await PageServer.StartAsync(configure: options => options.AnswersToAnyName = true);
        var speed = 0;
        await using var page = await OpenAsync(
            server,
            () => new { status = "ready", model = "gpt-oss", tokens_per_second = ++speed, requests = new { running = 1, waiting = 0 } });
        await page.AskAsync("hello");
        await page.Page.EvaluateAsync("""
            () => {
              [window.panel, window.elsewhere] = [0, 0];
              const isPanel = node => Boolean((node.closest ? node : node.parentElement)?.closest(".status"));
              new MutationObserver(list => list.forEach(({ target }) => isPanel(target) ? window.panel++ : window.elsewhere++))
                .observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
            }
            """);
        while (await page.Page.EvaluateAsync<int>("window.panel") < 4)
        {
            await page.Page.WaitForTimeoutAsync(100);
        }

        (await page.Page.EvaluateAsync<int>("window.elsewhere")).Should().Be(0);
    }

    [Fact]
    public async Task A_server_that_drains_or_is_busy_says_so()
    {
        await using var server = await PageServer.StartAsync(configure: options => options.AnswersToAnyName = true);
        var status = "ready";
        await using var page = await OpenAsync(
            server, () => new { status, model = "openai/gpt-oss-20b", requests = new { running = 0, waiting = 0 } });
        var (code, wait, answers) = (429, 30, 0);
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
                Headers = new Dictionary<string, string>(StringComparer.Ordinal) { ["Retry-After"] = $"{wait}" },
                Body = """{"error":{"message":"The server is shutting down.","type":"server_error"}}""",
            });
        });
        await page.SendAsync("hello");
        await Expect(page.Answer).ToContainTextAsync("The server is busy. Trying again in 30 s.");
        await page.CheckAsync("busy");
        await page.Page.Keyboard.PressAsync("Escape");
        await page.EndsAsync("stopped");

        (code, wait, answers) = (503, 1, 0);
        await page.SendAsync("hello again");
        await Expect(page.Answer).ToContainTextAsync("The server is shutting down. Trying again in 1 s.");
        await page.EndsAsync("done");

        status = "draining";
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("The server is shutting down.");
        await Expect(page.Button("Send")).ToBeDisabledAsync();
        await page.CheckAsync("draining");
    }

    [Fact]
    public async Task A_demonstration_that_knows_English_only_offers_what_it_can_answer()
    {
        await using var server = await PageServer.StartAsync(configure: options => options.AnswersToAnyName = true);
        await using var page = await OpenAsync(
            server, () => new { status = "ready", model = "gpt-oss-nano", requests = new { running = 0, waiting = 0 } }, "zh-CN");

        await Expect(page.Page.Locator(".empty button").First).ToHaveTextAsync("What is the capital of France?");
        await Expect(page.Page.Locator(".empty")).ToContainTextAsync("演示模型只懂英语");
        await page.CheckAsync("chinese-demo");
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

    private Task<BrowserPage> OpenAsync(PageServer server, Func<object> status, string locale = "en-US") =>
        browser.OpenAsync(server.Url, locale: locale, before: page => page.RouteAsync(
            "**/v1/status?stream=true",
            route =>
                route.FulfillAsync(new() { ContentType = "text/event-stream", Body = $"data: {JsonSerializer.Serialize(status())}\n\n" })));
}
