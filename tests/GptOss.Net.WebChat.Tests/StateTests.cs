using GptOss.Net.AspNetCore;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace GptOss.Net.WebChat.Tests;

/// <summary>Every state of the model, of a message and of a call, as <see cref="BrowserPage.CheckAsync"/> looks at it.</summary>
public sealed class StateTests(Chromium browser) : IClassFixture<Chromium>
{
    [Fact]
    public async Task A_model_that_loads_fails_or_is_ready()
    {
        await using var server = await PageServer.StartAsync();
        server.Status.State = ModelState.Loading;
        server.Status.Progress = new LoadProgress(4_000_000_000, 13_000_000_000);
        await using var page = await OpenAsync(server);
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("Loading the model: 4.0 GB of 13.0 GB");
        await Expect(page.Button("Send")).ToBeDisabledAsync();
        await page.CheckAsync("loading");

        server.Status.State = ModelState.Failed;
        server.Status.Failure = "cuda:0 needs 13.8 GB and has 8.0 GB free; lower MaxModelLength.";
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("cuda:0 needs 13.8 GB");
        await page.CheckAsync("load-failed");

        server.Status.State = ModelState.Ready;
        server.Status.Failure = null;
        await Expect(page.Page.Locator(".banner")).ToHaveCountAsync(0);
        await page.CheckAsync("empty");
        await page.Composer.FillAsync("A question of two lines,\nof which this is the second.");
        await Expect(page.Button("Send")).ToBeEnabledAsync();
        await page.CheckAsync("draft");
    }

    [Fact]
    public async Task An_answer_that_waits_thinks_grows_is_stopped_or_breaks_off()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await OpenAsync(server);

        await page.SendAsync("wait");
        await Expect(page.Answer).ToContainTextAsync("Waiting for the first token");
        await page.CheckAsync("waiting");
        await page.Page.Keyboard.PressAsync("Escape");
        await page.EndsAsync("stopped");
        await page.CheckAsync("stopped");

        await page.SendAsync("muse");
        await Expect(page.Answer.GetByText("The user wants a long thought")).ToBeVisibleAsync();
        await page.CheckAsync("reasoning");
        await page.Button("Stop").ClickAsync();
        await page.EndsAsync("stopped");
        await Expect(page.Answer.Locator("summary")).ToContainTextAsync("Thought for");

        await page.SendAsync("hold");
        await Expect(page.Answer).ToContainTextAsync("So far, so good.");
        await page.CheckAsync("streaming");
        await page.Page.Keyboard.PressAsync("Escape");
        await page.EndsAsync("stopped");

        await page.SendAsync("break");
        await page.EndsAsync("interrupted");
        await page.CheckAsync("interrupted");
    }

    [Fact]
    public async Task An_answer_that_is_done_was_cut_off_or_failed()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await OpenAsync(server);

        await page.AskAsync("think");
        await page.CheckAsync("thought");
        await page.Answer.Locator("summary").ClickAsync();
        await page.Button("Answer again").ClickAsync();
        await page.EndsAsync("done");
        await Expect(page.Answer).ToContainTextAsync("2/2");
        await page.CheckAsync("versions");

        await page.SendAsync("cut");
        await page.EndsAsync("length");
        await page.CheckAsync("cut-off");
        await page.SendAsync("fail");
        await page.EndsAsync("failed");
        await page.CheckAsync("failed");

        await page.Messages.Nth(2).GetByRole(AriaRole.Button, new() { Name = "Edit" }).ClickAsync();
        await page.CheckAsync("editing");
    }

    [Fact]
    public async Task Text_code_tables_and_formulas()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await OpenAsync(server);
        await page.AskAsync(
            "# A heading\n\nA list:\n\n- `code`\n- $x^2$\n\n> quoted\n\n| a | b |\n|---|---|\n| 1 | 2 |"
            + "\n\n```csharp\nvar x = 1; // one\n```\n\n$$\\int_0^1 x\\,dx$$\n\n[link](https://example.com)");
        await Expect(page.Answer.Locator(".katex").First).ToBeVisibleAsync();
        await page.CheckAsync("markdown");

        await page.AskAsync("code 200");
        await page.CheckAsync("long-code");
        await page.Answer.GetByLabel("Wrap lines").ClickAsync();
        await Expect(page.Answer.Locator("figure.wraps")).ToHaveCountAsync(1);
        var scrolls = "pre => pre.scrollHeight > pre.clientHeight && pre.clientHeight < innerHeight * 0.7";
        (await page.Answer.Locator("pre").EvaluateAsync<bool>(scrolls)).Should().BeTrue("long code scrolls inside");

        await page.Answer.GetByLabel("Copy code").ClickAsync();
        await Expect(page.Answer.Locator("[data-done]")).ToHaveAttributeAsync("data-done", "Copied");
        (await page.Page.EvaluateAsync<string>("navigator.clipboard.readText()")).Should()
            .StartWith("var line0 = 0;").And.EndWith("line199 = 199; // one of many\n");
        await page.CheckAsync("copied");
    }

    [Fact]
    public async Task A_function_that_runs_answers_or_fails()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await OpenAsync(server);

        await page.SendAsync("calling");
        await page.Answer.GetByText("calculator is running").ClickAsync();
        await page.CheckAsync("call-running");
        await page.Button("Stop").ClickAsync();
        await page.EndsAsync("stopped");
        await Expect(page.Answer).ToContainTextAsync("calculator did not run");

        await page.AskAsync("""call calculator {"expression":"17*23"}""");
        await page.Answer.GetByText("calculator was called").ClickAsync();
        await page.CheckAsync("call-done");
        await page.AskAsync("""call calculator {"expression":"17**"}""");
        await page.Answer.GetByText("calculator failed").ClickAsync();
        await page.CheckAsync("call-failed");
    }

    [Fact]
    public async Task A_function_that_asks()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await OpenAsync(server);
        await page.Button("Settings").ClickAsync();
        await page.Page.GetByLabel("Ask before a tool runs").CheckAsync();
        await page.CheckAsync("settings");
        await page.Button("Close").ClickAsync();

        await page.SendAsync("""call calculator {"expression":"17*23"}""");
        await Expect(page.Answer.GetByText("calculator wants to run")).ToBeVisibleAsync();
        await Expect(page.Answer.GetByRole(AriaRole.Cell, new() { Name = "17*23" })).ToBeVisibleAsync();
        await page.CheckAsync("call-asks");
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

    private async Task<BrowserPage> OpenAsync(PageServer server)
    {
        var page = await browser.OpenAsync(server.Url);
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("scripted", new() { Timeout = 15_000 });
        return page;
    }
}
