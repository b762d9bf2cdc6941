using static Microsoft.Playwright.Assertions;

namespace GptOss.Net.WebChat.Tests;

/// <summary>What can go wrong around the page: full storage, dropped files, lost connections, hard text.</summary>
public sealed class HazardTests(Chromium browser) : IClassFixture<Chromium>
{
    [Fact]
    public async Task Full_storage_is_told_once_and_the_conversation_goes_on_until_there_is_room_again()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        await page.AskAsync("kept");
        await page.Page.EvaluateAsync("""
            () => {
              window.put = IDBObjectStore.prototype.put;
              IDBObjectStore.prototype.put = () => { throw new DOMException("no room", "QuotaExceededError"); };
            }
            """);

        await page.AskAsync("not kept");
        await Expect(page.Page.Locator(".notice")).ToContainTextAsync("storage is full");
        await page.CheckAsync("storage-full");
        await page.AskAsync("nor this");
        await Expect(page.Messages).ToHaveCountAsync(6);

        await page.Page.EvaluateAsync("() => { IDBObjectStore.prototype.put = window.put; }");
        await page.AskAsync("kept again");
        await page.Page.ReloadAsync();
        await page.Button("kept").ClickAsync();
        await Expect(page.Messages).ToHaveCountAsync(8);
    }

    [Fact]
    public async Task Without_storage_the_page_works_and_says_what_is_lost()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url, before: page => page.AddInitScriptAsync(
            "Object.defineProperty(window, 'indexedDB', { get: () => { throw new DOMException('forbidden here', 'SecurityError'); } });"));

        await Expect(page.Page.Locator(".notice")).ToContainTextAsync("does not keep conversations");
        await page.AskAsync("hello");
        await page.CheckAsync("storage-off");
    }

    [Fact]
    public async Task Files_that_are_dropped_are_attached_and_an_export_on_the_list_is_imported()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);

        await DropAsync(page, ".scroll", "notes.txt", "some text");
        await Expect(page.Page.Locator(".composer .file")).ToContainTextAsync("notes.txt");
        await DropAsync(page, ".composer", "picture.png", "\0PNG");
        await Expect(page.Page.Locator(".notice")).ToContainTextAsync("picture.png is not a text file");
        await page.CheckAsync("attached");
        await page.AskAsync("what is in it?");
        server.Chat.Messages[^1].Text.Should().Contain("notes.txt").And.Contain("some text");

        await DropAsync(page, ".sidebar", "chats.json", """
            {"format":"gptoss-chat","version":1,"conversations":[{"title":"imported one","leaf":"a",
            "messages":{"a":{"role":"user","parent":null,"text":"x"}}}]}
            """);
        await Expect(page.Page.GetByText("Import conversations: 1?")).ToBeVisibleAsync();
        await page.CheckAsync("import");
        await page.Button("Import").ClickAsync();
        await Expect(page.Button("imported one")).ToBeVisibleAsync();
        page.Page.Url.Should().StartWith(server.Url, "the browser must not leave the page for the file");
    }

    [Fact]
    public async Task A_server_that_goes_while_it_answers_leaves_what_came_and_answers_again_when_it_is_back()
    {
        var server = await PageServer.StartAsync(configure: options => options.DrainTimeout = TimeSpan.FromMilliseconds(100));
        var port = new Uri(server.Url).Port;
        await using var page = await browser.OpenAsync(server.Url);
        await page.SendAsync("hold");
        await Expect(page.Answer).ToContainTextAsync("So far, so good.");
        await server.DisposeAsync();
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("Trying to reconnect");
        await Expect(page.Answer).ToContainTextAsync("So far, so good.");
        (await page.Answer.GetAttributeAsync("data-state")).Should().BeOneOf("failed", "interrupted");
        await page.CheckAsync("offline-streaming");

        await using var again = await PageServer.StartAsync(port);
        again.Chat.Release.SetResult();
        await Expect(page.Page.Locator(".banner")).ToHaveCountAsync(0);
        await page.Button("Try again").ClickAsync();
        await page.EndsAsync("done");
    }

    [Fact]
    public async Task A_conversation_that_is_deleted_while_it_is_answered_stays_deleted()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        await page.SendAsync("hold");
        await Expect(page.Answer).ToContainTextAsync("So far, so good.");
        await page.Page.Locator(".sidebar li").HoverAsync();
        await page.Button("Delete: hold").ClickAsync();
        await page.Button("Delete").ClickAsync();
        await Expect(page.Page.Locator(".sidebar li")).ToHaveCountAsync(0);
        SpinWait.SpinUntil(() => server.Chat.Running == 0, TimeSpan.FromSeconds(20)).Should().BeTrue();
        await page.Page.WaitForTimeoutAsync(500);

        await page.Page.ReloadAsync();
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("scripted");
        await Expect(page.Page.Locator(".sidebar li")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_tab_that_closes_while_an_answer_streams_loses_at_most_a_second()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        await page.SendAsync("long 1000");
        await page.Page.WaitForTimeoutAsync(3_000);
        await page.Page.ReloadAsync();
        await page.Button("long 1000").ClickAsync();
        await page.EndsAsync("interrupted");
        (await page.Answer.InnerTextAsync()).Split("word").Length.Should().BeGreaterThan(20);
    }

    [Theory]
    [InlineData("a megabyte in one line", 0)]
    [InlineData("an open fence", 1)]
    [InlineData("right to left", 2)]
    [InlineData("an open formula", 3)]
    public async Task Hard_text_is_shown_and_the_page_stays_usable(string name, int kind)
    {
        var text = kind switch
        {
            0 => string.Concat(Enumerable.Repeat("0123456789abcde ", 65_536)),
            1 => "Before\n\n```csharp\nvar x = 1;\n\nvar y = 2;",
            2 => "\u202Eevil.exe\u202C مرحبا שלום `code` \u2066x",
            _ => "Before $$\\frac{1}{2\n\nand \\[ x^2",
        };
        await using var server = await PageServer.StartAsync(configure: options => options.MaxRequestBodySize = 64 << 20);
        await using var page = await browser.OpenAsync(server.Url);

        await page.AskAsync(text);

        await Expect(page.Answer)
            .ToContainTextAsync(kind switch { 0 => "0123456789abcde", 1 => "var y = 2;", 2 => "evil.exe", _ => "x^2" });
        await page.AskAsync("and now?");
        if (kind > 0)
        {
            await page.CheckLookAsync($"hard-{name.Replace(' ', '-')}");
        }
    }

    [Fact]
    public async Task The_keyboard_reaches_everything_in_reading_order()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        await page.AskAsync("hello");
        await page.Page.EvaluateAsync("document.querySelector('.skip').focus()");
        var reached = new List<string> { "Skip to the message box" };
        for (var i = 0; i < 40 && reached[^1] != "Attach a text file"; i++)
        {
            await page.Page.Keyboard.PressAsync("Tab");
            reached.Add(
                await page.Page.EvaluateAsync<string>(
                    "document.activeElement.getAttribute('aria-label') ?? document.activeElement.labels?.[0]?.innerText.split('\\n')[0] ?? "
                    + "document.activeElement.innerText"));
        }

        string[] expected =
        [
            "Skip to the message box", "New chat", "Search conversations", "hello", "Rename: hello", "Delete: hello",
            "Export all conversations",
            "Reasoning effort", "Settings", "Conversation", "Copy", "Edit", "Answer again", "Message", "Attach a text file",
        ];
        reached.Where(expected.Contains).Distinct(StringComparer.Ordinal).Should().Equal(expected);
    }

    private static Task<System.Text.Json.JsonElement?> DropAsync(BrowserPage page, string target, string name, string content) =>
        page.Page.EvaluateAsync(
            """
            ([target, name, content]) => {
              const data = new DataTransfer();
              data.items.add(new File([content], name));
              const element = document.querySelector(target);
              for (const type of ["dragover", "drop"])
                element.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
            }
            """,
            new[] { target, name, content });
}
