using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace GptOss.Net.WebChat.Tests;

/// <summary>What a user does with the page, in a real browser.</summary>
public sealed class PageTests(Chromium browser) : IClassFixture<Chromium>
{
    private const string Attack = """
        <script>window.pwned = 1</script><img src=x onerror="window.pwned=2"><svg onload="window.pwned=3"></svg>
        [click](javascript:window.pwned=4)
        <a href="javascript:window.pwned=5">x</a> <math><mtext><style><img src onerror=window.pwned=6></style></mtext></math>
        <iframe src="//evil.example"></iframe>
        ![picture](https://evil.example/x.png) <div style="position:fixed;inset:0">over</div> $\href{javascript:window.pwned=7}{x}$
        <form action=//evil.example><button>b</button></form>
        """;

    [Fact]
    public async Task A_message_is_answered_and_a_reload_keeps_both()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);

        await page.AskAsync("**Hello** there");
        await Expect(page.Answer.Locator("strong")).ToHaveTextAsync("Hello");
        await Expect(page.Answer.Locator(".figures")).ToContainTextAsync("tokens in");

        await page.Page.ReloadAsync();
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "**Hello** there", Exact = true }).ClickAsync();
        await Expect(page.Messages).ToHaveCountAsync(2);
        page.Errors.Should().BeEmpty();
    }

    [Fact]
    public async Task Stop_ends_the_generation_and_keeps_what_came()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);

        await page.SendAsync("hold");
        await Expect(page.Answer).ToContainTextAsync("So far, so good.");
        await page.Page.Keyboard.PressAsync("Escape");

        await page.EndsAsync("stopped");
        await Expect(page.Answer).ToContainTextAsync("Stopped by you.");
        SpinWait.SpinUntil(() => server.Chat.Running == 0, TimeSpan.FromSeconds(20)).Should().BeTrue();
    }

    [Fact]
    public async Task Thoughts_fold_away_and_are_sent_back()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);

        await page.AskAsync("think");
        await Expect(page.Answer.Locator("summary")).ToContainTextAsync("Thought for");
        await Expect(page.Answer.GetByText("The user wants a thought.")).ToBeHiddenAsync();
        await page.Answer.Locator("summary").ClickAsync();
        await Expect(page.Answer.GetByText("The user wants a thought.")).ToBeVisibleAsync();

        await page.AskAsync("again");
        server.Chat.Messages.Should().HaveCount(3);
    }

    [Fact]
    public async Task A_called_function_runs_and_the_model_gets_its_result()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);

        await page.AskAsync("""call calculator {"expression":"17*23"}""");

        await Expect(page.Answer).ToContainTextAsync("It says 391.");
        await page.Answer.GetByText("calculator was called").ClickAsync();
        await Expect(page.Answer.GetByRole(AriaRole.Cell, new() { Name = "17*23" })).ToBeVisibleAsync();
        server.Chat.Options!.Tools!.Select(tool => tool.Name).Should().BeEquivalentTo("calculator", "clock");
    }

    [Fact]
    public async Task Editing_and_regenerating_keep_every_version()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        await page.AskAsync("first");

        await page.Button("Answer again").ClickAsync();
        await Expect(page.Page.GetByText("2/2")).ToBeVisibleAsync();
        await page.Button("Previous version").ClickAsync();
        await Expect(page.Page.GetByText("1/2")).ToBeVisibleAsync();

        await page.Composer.PressAsync("ArrowUp");
        await Expect(page.Page.Locator(".editor textarea")).ToHaveValueAsync("first");
        await page.Page.Locator(".editor textarea").FillAsync("second");
        await page.Page.Locator(".editor").GetByText("Send").ClickAsync();
        await Expect(page.Answer).ToContainTextAsync("second");
        await Expect(page.Messages.First.GetByText("2/2")).ToBeVisibleAsync();
        await page.Messages.First.GetByRole(AriaRole.Button, new() { Name = "Previous version" }).ClickAsync();
        await Expect(page.Answer).ToContainTextAsync("first");
    }

    [Fact]
    public async Task Enter_while_an_input_method_composes_does_not_send()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url, locale: "zh-CN");
        await page.Composer.FillAsync("你好");

        await page.Composer.EvaluateAsync(
            "e => e.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }))");
        await page.Composer.EvaluateAsync(
            "e => e.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }))");
        (await page.Messages.CountAsync()).Should().Be(0);

        await page.Composer.PressAsync("Shift+Enter");
        (await page.Messages.CountAsync()).Should().Be(0);
        await page.Composer.PressAsync("Enter");
        await Expect(page.Messages).ToHaveCountAsync(2);
        await Expect(page.Page.Locator("html")).ToHaveAttributeAsync("lang", "zh-CN");
    }

    [Fact]
    public async Task Hostile_output_names_and_imports_run_nothing_and_load_nothing()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        var foreign = new List<string>();
        string[] own = [server.Url, "blob:"];
        page.Page.Request += (_, request) =>
        {
            if (!own.Any(start => request.Url.StartsWith(start, StringComparison.Ordinal)))
            {
                foreign.Add(request.Url);
            }
        };

        await page.Page.Locator(".composer input[type=file]").SetInputFilesAsync(new FilePayload
        {
            Name = "<img src=x onerror=window.pwned=8>.txt",
            MimeType = "text/plain",
            Buffer = "file text"u8.ToArray(),
        });
        await page.AskAsync(Attack);
        var import = $$$"""
            {"format":"gptoss-chat","version":1,"conversations":[{"title":{{{System.Text.Json.JsonSerializer.Serialize(Attack)}}},
            "messages":{
            "a":{"role":"user","parent":null,"text":{{{System.Text.Json.JsonSerializer.Serialize(Attack)}}},"files":[]},
            "b":{"role":"assistant","parent":"a","parts":[{"type":"text","text":{{{System.Text.Json.JsonSerializer.Serialize(Attack)}}}},
            {"type":"call","name":"<b>x</b>","arguments":"<i>"}]}},"leaf":"b"}]}
            """;
        await page.Page.Locator(".transfer input").SetInputFilesAsync(
            new FilePayload { Name = "x.json", MimeType = "application/json", Buffer = System.Text.Encoding.UTF8.GetBytes(import) });
        await page.Button("Import").ClickAsync();
        await page.Page.Locator(".sidebar .open", new() { HasTextString = "<script>" }).Last.ClickAsync();
        await Expect(page.Messages).ToHaveCountAsync(2);
        await page.Page.WaitForTimeoutAsync(500);

        (await page.Page.EvaluateAsync<string>("String(window.pwned)")).Should().Be("undefined");
        (await page.Page.Locator("iframe, .markdown form, .markdown [style*=fixed], .markdown img, a[href^='javascript']").CountAsync())
            .Should().Be(0);
        foreign.Should().BeEmpty();
    }

    [Theory]
    [InlineData("nothing", "it is not JSON")]
    [InlineData("{}", "it is not an export")]
    [InlineData("""{"format":"gptoss-chat","version":99}""", "it has version 99")]
    [InlineData("""{"format":"gptoss-chat","version":1,"conversations":[{"messages":{"a":{"role":"user","parent":"b"}"""
        + ""","b":{"role":"user","parent":"a"}}}]}""", "runs in a circle")]
    public async Task A_file_that_is_no_export_is_refused_with_the_reason(string content, string reason)
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);

        await page.Page.Locator(".transfer input").SetInputFilesAsync(
            new FilePayload { Name = "x.json", MimeType = "application/json", Buffer = System.Text.Encoding.UTF8.GetBytes(content) });

        await Expect(page.Page.Locator(".notice")).ToContainTextAsync(reason);
    }

    [Fact]
    public async Task What_was_exported_can_be_imported_and_a_deleted_conversation_comes_back()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        await page.AskAsync("keep me");

        var download = await page.Page.RunAndWaitForDownloadAsync(() => page.Button("Export all conversations").ClickAsync());
        var path = await download.PathAsync();
        await page.Page.Locator(".sidebar li").HoverAsync();
        await page.Button("Delete: keep me").ClickAsync();
        await page.Button("Delete").ClickAsync();
        await Expect(page.Page.Locator(".sidebar li")).ToHaveCountAsync(0);
        await page.Button("Undo").ClickAsync();
        await Expect(page.Page.Locator(".sidebar li")).ToHaveCountAsync(1);

        await page.Page.Locator(".transfer input").SetInputFilesAsync(path);
        await page.Button("Import").ClickAsync();
        await Expect(page.Page.Locator(".sidebar li")).ToHaveCountAsync(2);
    }

    [Fact]
    public async Task A_server_that_goes_and_comes_back_loses_no_draft()
    {
        var server = await PageServer.StartAsync();
        var port = new Uri(server.Url).Port;
        await using var page = await browser.OpenAsync(server.Url);
        await page.AskAsync("before");
        await page.Composer.FillAsync("a draft");

        await server.DisposeAsync();
        await Expect(page.Page.Locator(".banner")).ToContainTextAsync("Trying to reconnect", new() { Timeout = 15_000 });
        await page.CheckAsync("offline");

        await using var again = await PageServer.StartAsync(port);
        await Expect(page.Page.Locator(".banner")).ToHaveCountAsync(0, new() { Timeout = 15_000 });
        await Expect(page.Composer).ToHaveValueAsync("a draft");
        await page.Composer.PressAsync("Enter");
        await page.EndsAsync("done");
    }

    [Fact]
    public async Task A_key_is_asked_for_and_kept_for_the_session()
    {
        await using var server = await PageServer.StartAsync(configure: options => options.ApiKeys.Add("secret"));
        await using var page = await browser.OpenAsync(server.Url);

        await page.Page.GetByLabel("API key").FillAsync("secret");
        await page.Page.Keyboard.PressAsync("Enter");

        await page.AskAsync("hello");
    }

    [Fact]
    public async Task Two_tabs_show_the_same_conversations()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        await using var other = await page.OpenAnotherAsync(server.Url);

        await page.AskAsync("shared");

        await Expect(other.Page.Locator(".sidebar li")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task Settings_go_with_the_request()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);

        await page.Page.GetByLabel("Reasoning effort").SelectOptionAsync("high");
        await page.Button("Settings").ClickAsync();
        await page.Page.GetByLabel("System prompt").FillAsync("Be brief.");
        await page.Page.GetByLabel("Temperature").FillAsync("0.5");
        await page.Page.GetByLabel("Answer in JSON").CheckAsync();
        await page.Button("Close").ClickAsync();
        await page.AskAsync("hello");

        server.Chat.Messages[0].Text.Should().Be("Be brief.");
        server.Chat.Options!.Temperature.Should().Be(0.5f);
        server.Chat.Options.Reasoning!.Effort.Should().Be(Microsoft.Extensions.AI.ReasoningEffort.High);
        server.Chat.Options.ResponseFormat.Should().NotBeNull();
        server.Chat.Options.Tools.Should().BeNullOrEmpty();
    }

    [Fact]
    public async Task Finished_blocks_are_never_rendered_again_and_keep_what_is_selected()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        server.Chat.TokenTime = TimeSpan.FromMilliseconds(2);
        await page.SendAsync("long 800");
        await Expect(page.Answer.Locator(".block").Nth(2)).ToBeVisibleAsync();
        await page.Page.EvaluateAsync("""
            () => {
              const [first] = document.querySelectorAll(".block");
              getSelection().selectAllChildren(first);
              window.changed = 0;
              const changes = new MutationObserver(list => { window.changed += list.length; });
              changes.observe(first, { subtree: true, childList: true, characterData: true });
            }
            """);
        await page.EndsAsync("done");

        (await page.Page.EvaluateAsync<int>("window.changed")).Should().Be(0);
        (await page.Page.EvaluateAsync<string>("String(getSelection()).trim()")).Should().StartWith("word word").And.EndWith("end.");
        (await page.Page.Locator("figure.code").CountAsync()).Should().Be(4);
    }
}
