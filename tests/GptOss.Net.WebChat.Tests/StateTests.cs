using GptOss.Net.AspNetCore;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace GptOss.Net.WebChat.Tests;

/// <summary>Every state of the page, in both themes, at a desk and on a phone: a screenshot each, and no violation of accessibility rules.</summary>
public sealed class StateTests(Chromium browser) : IClassFixture<Chromium>
{
    public static TheoryData<string, int> Looks => new() { { "light", 1360 }, { "dark", 1360 }, { "light", 390 }, { "dark", 390 } };

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task Model_states(string scheme, int width)
    {
        await using var server = await PageServer.StartAsync();
        server.Status.State = ModelState.Loading;
        server.Status.Progress = new LoadProgress(4_000_000_000, 13_000_000_000);
        await using var page = await OpenAsync(server, scheme, width);
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("Loading the model: 4.0 GB of 13.0 GB");
        await Expect(page.Button("Send")).ToBeDisabledAsync();
        await page.CheckAsync($"loading-{scheme}-{width}");

        server.Status.State = ModelState.Failed;
        server.Status.Failure = "cuda:0 needs 13.8 GB and has 8.0 GB free; lower MaxModelLength.";
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("cuda:0 needs 13.8 GB");
        await page.CheckAsync($"load-failed-{scheme}-{width}");

        server.Status.State = ModelState.Ready;
        server.Status.Failure = null;
        await Expect(page.Page.Locator(".banner")).ToHaveCountAsync(0);
        await page.CheckAsync($"empty-{scheme}-{width}");
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task Message_states(string scheme, int width)
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await OpenAsync(server, scheme, width);

        await page.SendAsync("wait");
        await Expect(page.Answer).ToContainTextAsync("Waiting for the first token");
        await page.CheckAsync($"waiting-{scheme}-{width}");
        server.Chat.Release.SetResult();
        await page.EndsAsync("done");

        await page.AskAsync("think");
        await page.Answer.Locator("summary").ClickAsync();
        await page.AskAsync("""call calculator {"expression":"17*23"}""");
        await page.Answer.GetByText("calculator was called").ClickAsync();
        await page.AskAsync("""call calculator {"expression":"17**"}""");
        await page.CheckAsync($"calls-{scheme}-{width}");

        await page.AskAsync("A list:\n\n- `code`\n- $x^2$\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```csharp\nvar x = 1; // one\n```\n\n[link](https://example.com)");
        await Expect(page.Answer.Locator(".katex").First).ToBeVisibleAsync();
        await page.CheckAsync($"markdown-{scheme}-{width}");

        await page.Answer.GetByLabel("Wrap lines").ClickAsync();
        await Expect(page.Answer.Locator("figure.wraps")).ToHaveCountAsync(1);

        await page.SendAsync("cut");
        await page.EndsAsync("length");
        await page.SendAsync("fail");
        await page.EndsAsync("failed");
        await page.CheckAsync($"failed-{scheme}-{width}");
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task Answers_that_grow_or_ended_early(string scheme, int width)
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await OpenAsync(server, scheme, width);

        await page.SendAsync("muse");
        await Expect(page.Answer.GetByText("The user wants a long thought")).ToBeVisibleAsync();
        await page.CheckAsync($"reasoning-{scheme}-{width}");
        await page.Button("Stop").ClickAsync();
        await page.EndsAsync("stopped");

        await page.SendAsync("hold");
        await Expect(page.Answer).ToContainTextAsync("So far, so good.");
        await page.CheckAsync($"streaming-{scheme}-{width}");
        await page.Page.Keyboard.PressAsync("Escape");
        await page.EndsAsync("stopped");

        await page.SendAsync("break");
        await page.EndsAsync("interrupted");
        await page.CheckAsync($"interrupted-{scheme}-{width}");
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task A_function_that_asks(string scheme, int width)
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await OpenAsync(server, scheme, width);
        await page.Button("Settings").ClickAsync();
        await page.Page.GetByLabel("Ask before a tool runs").CheckAsync();
        await page.Button("Close").ClickAsync();

        await page.SendAsync("""call calculator {"expression":"17*23"}""");
        await Expect(page.Answer.GetByText("calculator wants to run")).ToBeVisibleAsync();
        await Expect(page.Answer.GetByRole(AriaRole.Cell, new() { Name = "17*23" })).ToBeVisibleAsync();
        await page.CheckAsync($"call-asks-{scheme}-{width}");
        await page.Button("Deny").ClickAsync();
        await Expect(page.Answer).ToContainTextAsync("It says Error: the user did not allow it.");
        await page.EndsAsync("done");

        await page.SendAsync("""call calculator {"expression":"17*23"}""");
        await page.Button("Allow").ClickAsync();
        await Expect(page.Answer).ToContainTextAsync("It says 391.");
        await page.EndsAsync("done");

        await page.SendAsync("""call clock {}""");
        await Expect(page.Button("Allow")).ToBeVisibleAsync();
        await page.Page.Keyboard.PressAsync("Escape");
        await page.EndsAsync("stopped");
        await Expect(page.Button("Allow")).ToHaveCountAsync(0);
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task Dialogs_and_list(string scheme, int width)
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await OpenAsync(server, scheme, width);
        await page.AskAsync("one");
        if (width < 760)
        {
            await page.Button("Conversations").ClickAsync();
        }

        await page.CheckAsync($"list-{scheme}-{width}");
        await page.Page.Locator(".sidebar li").HoverAsync();
        await page.Button("Rename: one").ClickAsync();
        await page.CheckAsync($"rename-{scheme}-{width}");
        await page.Page.Keyboard.PressAsync("Escape");
        await page.Page.Keyboard.PressAsync("Control+k");
        await page.Page.Keyboard.TypeAsync("nothing like it");
        await Expect(page.Page.GetByText("Nothing found.")).ToBeVisibleAsync();
        await page.Page.Keyboard.PressAsync("Control+Shift+O");
        await page.Button("Settings").ClickAsync();
        await page.CheckAsync($"settings-{scheme}-{width}");
    }

    [Fact]
    public async Task Nothing_scrolls_sideways_at_320_pixels()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await OpenAsync(server, "light", 320);
        await page.CheckAsync("empty-320");
        await page.AskAsync("```\n" + new string('x', 400) + "\n```\n\n" + new string('y', 400));

        await page.CheckAsync("narrow");
        (await page.Page.EvaluateAsync<int>("document.documentElement.scrollWidth")).Should().BeLessThanOrEqualTo(320);
    }

    private async Task<BrowserPage> OpenAsync(PageServer server, string scheme, int width)
    {
        var page = await browser.OpenAsync(server.Url, scheme, width, width < 760 ? 800 : 850);
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("scripted", new() { Timeout = 15_000 });
        return page;
    }
}
