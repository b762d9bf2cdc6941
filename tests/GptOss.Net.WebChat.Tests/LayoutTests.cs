using static Microsoft.Playwright.Assertions;

namespace GptOss.Net.WebChat.Tests;

/// <summary>The list, dialogs, the other language, narrow windows and large letters.</summary>
public sealed class LayoutTests(Chromium browser) : IClassFixture<Chromium>
{
    [Fact]
    public async Task The_list_and_what_asks_before_it_deletes()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        await page.AskAsync("one");
        await page.Page.Keyboard.PressAsync("Control+k"); // on a phone the drawer opens
        await page.CheckAsync("list");
        await page.Page.Keyboard.TypeAsync("nothing like it");
        await Expect(page.Page.GetByText("Nothing found.")).ToBeVisibleAsync();
        await page.CheckAsync("nothing-found");
        await page.Page.GetByLabel("Search conversations").FillAsync("");
        await page.Page.Locator(".sidebar li").HoverAsync();
        await page.Button("Rename: one").ClickAsync();
        await page.CheckAsync("rename");
        await page.Page.Keyboard.PressAsync("Escape");
        await page.Page.Locator(".sidebar li").HoverAsync();
        await page.Button("Delete: one").ClickAsync();
        await page.CheckAsync("delete");
        await page.Button("Delete").ClickAsync();
        await Expect(page.Button("Undo")).ToBeVisibleAsync();
        await page.CheckAsync("deleted");
    }

    [Fact]
    public async Task A_reader_who_scrolled_away_is_not_pulled_to_the_end_and_finds_the_way_there()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        await page.AskAsync(string.Concat(Enumerable.Range(1, 60).Select(i => $"Paragraph {i}.\n\n")));
        await page.SendAsync("hold");
        await Expect(page.Answer).ToContainTextAsync("So far, so good.");
        await page.Page.EvaluateAsync("document.querySelector('.scroll').scrollTop = 200");
        await Expect(page.Button("To the end")).ToBeVisibleAsync();
        await page.CheckAsync("scrolled-away");
        server.Chat.Release.SetResult();
        await page.EndsAsync("done");
        (await page.Page.EvaluateAsync<double>("document.querySelector('.scroll').scrollTop")).Should().BeLessThan(1_000);

        await page.Button("To the end").ClickAsync();
        await Expect(page.Button("To the end")).ToHaveCountAsync(0);
        await Expect(page.Answer).ToBeInViewportAsync();
    }

    [Fact]
    public async Task Readers_of_Chinese_have_a_page_of_theirs()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url, locale: "zh-CN");
        await Expect(page.Page.Locator(".empty button").First).ToHaveTextAsync("法国的首都是哪里？");
        await page.CheckAsync("chinese-empty");

        await page.Page.Locator(".empty button").First.ClickAsync();
        await Expect(page.Answer).ToContainTextAsync("法国的首都是哪里？");
        await page.Button("设置").ClickAsync();
        await page.CheckAsync("chinese-settings");
    }

    [Fact]
    public async Task Nothing_scrolls_sideways_at_320_pixels()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url, width: 320, height: 800);
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("scripted");
        await page.CheckLookAsync("narrow-empty");
        await page.AskAsync("```\n" + new string('x', 400) + "\n```\n\n" + new string('y', 400));
        await page.CheckLookAsync("narrow");
    }

    /// <summary>A browser that zooms has fewer and larger pixels; letters alone are made larger by its settings.</summary>
    [Theory]
    [InlineData("zoom-200", 640, 400, 2, 16)]
    [InlineData("zoom-400", 320, 256, 4, 16)]
    [InlineData("letters-200", 1360, 850, 1, 32)]
    public async Task Everything_can_be_used_enlarged(string name, int width, int height, int scale, int letters)
    {
        await using var enlarged = letters == 16 ? null : new Chromium();
        await (enlarged?.StartAsync($"--blink-settings=defaultFontSize={letters}") ?? Task.CompletedTask);
        await using var server = await PageServer.StartAsync();
        await using var page = await (enlarged ?? browser).OpenAsync(server.Url, width: width, height: height, scale: scale);
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("scripted");
        await page.CheckLookAsync($"{name}-empty");
        await page.AskAsync("| a | b |\n|---|---|\n| 1 | 2 |\n\n```csharp\nvar x = 1; // one\n```\n\nand $x^2$");
        await page.CheckLookAsync(name);
        await Expect(page.Composer).ToBeInViewportAsync();
        await Expect(page.Button("Settings")).ToBeInViewportAsync();

        await page.Button("Settings").ClickAsync();
        await page.Page.GetByLabel("Language").ScrollIntoViewIfNeededAsync();
        await page.CheckLookAsync($"{name}-settings");
        await page.Page.Keyboard.PressAsync("Escape");
        await page.Page.Keyboard.PressAsync("Control+k");
        await Expect(page.Page.GetByLabel("Search conversations")).ToBeInViewportAsync();
        await Expect(page.Page.Locator(".sidebar .open").First).ToBeInViewportAsync();
        await page.CheckLookAsync($"{name}-list");
    }
}
