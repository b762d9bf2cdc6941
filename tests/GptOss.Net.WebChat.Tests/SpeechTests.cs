using static Microsoft.Playwright.Assertions;

namespace GptOss.Net.WebChat.Tests;

/// <summary>Voice input and reading aloud, with stand-ins for the browser's recognizer and voice.</summary>
public sealed class SpeechTests(Chromium browser) : IClassFixture<Chromium>
{
    private const string StandIns = """
        window.SpeechRecognition = undefined;
        window.webkitSpeechRecognition = class {
          start() { window.recognition = this; }
          stop() { this.onend(); }
        };
        window.spoken = [];
        speechSynthesis.speak = utterance => window.spoken.push(utterance);
        speechSynthesis.cancel = () => window.spoken.length = 0;
        """;

    [Fact]
    public async Task What_is_said_is_written_after_a_warning_and_can_be_sent()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url, before: page => page.AddInitScriptAsync(StandIns));

        await page.Button("Speak").ClickAsync();
        await Expect(page.Page.Locator("dialog")).ToContainTextAsync("may send the sound to its maker");
        await page.CheckAsync("voice-asks");
        await page.Page.Locator("dialog .primary").ClickAsync();
        await page.Page.EvaluateAsync("recognition.onresult({ results: [[{ transcript: 'hello there' }]] })");
        await Expect(page.Composer).ToHaveValueAsync("hello there");
        await Expect(page.Button("Stop listening")).ToBeVisibleAsync();
        await page.CheckAsync("voice-listens");

        await page.Composer.PressAsync("Enter");
        await page.EndsAsync("done");
        await Expect(page.Button("Speak")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task An_answer_is_read_aloud_in_its_language_until_somebody_types()
    {
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url, before: page => page.AddInitScriptAsync(StandIns));
        await page.AskAsync("**你好**，世界\n\n```\ncode\n```");

        await page.Answer.GetByLabel("Read aloud").ClickAsync();
        (await page.Page.EvaluateAsync<string>("spoken[0].lang + ' ' + spoken[0].text.trim()")).Should()
            .StartWith("zh").And.EndWith("你好，世界");
        await page.Composer.PressSequentiallyAsync("x");
        (await page.Page.EvaluateAsync<int>("spoken.length")).Should().Be(0);
    }
}
