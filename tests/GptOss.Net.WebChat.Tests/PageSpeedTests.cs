using System.Text.Json;

namespace GptOss.Net.WebChat.Tests;

/// <summary>How fast the page is, measured and printed; asked for by <c>GPTOSS_LONG_TESTS=1</c>.</summary>
public sealed class PageSpeedTests(Chromium browser) : IClassFixture<Chromium>
{
    private const int Turns = 40;
    private const int WordsPerTurn = 500; // a word and its space are a token: 20,000 in all
    private const int Tokens = 1_500;

    [Fact]
    public async Task Frames_while_a_hundred_tokens_a_second_stream_into_a_conversation_of_20_000()
    {
        SkipUnlessWanted();
        await using var server = await PageServer.StartAsync();
        server.Chat.TokenTime = TimeSpan.FromMilliseconds(10);
        await using var page = await browser.OpenAsync(server.Url);
        await page.Page.Locator(".transfer input").SetInputFilesAsync(new Microsoft.Playwright.FilePayload
        {
            Name = "long.json",
            MimeType = "application/json",
            Buffer = JsonSerializer.SerializeToUtf8Bytes(LongConversation()),
        });
        await page.Button("Import").ClickAsync();
        await page.Button("long").ClickAsync();
        await page.Page.WaitForTimeoutAsync(2_000);
        await page.Page.EvaluateAsync("""
            () => {
              window.frames = []; window.tasks = [];
              new PerformanceObserver(list => window.tasks.push(...list.getEntries().map(entry => entry.duration))).observe({ type: "longtask" });
              let last = performance.now();
              const count = now => { window.frames.push(now - last); last = now; requestAnimationFrame(count); };
              requestAnimationFrame(count);
            }
            """);
        await page.SendAsync($"long {Tokens}");
        await Microsoft.Playwright.Assertions.Expect(page.Answer).ToHaveAttributeAsync("data-state", "done", new() { Timeout = 60_000 });

        var frames = (await page.Page.EvaluateAsync<double[]>("window.frames")).Order().ToArray();
        var tasks = await page.Page.EvaluateAsync<double[]>("window.tasks");
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{frames.Length * 1_000 / frames.Sum():N1} frames a second over {frames.Sum() / 1_000:N1} s; a frame took {frames[frames.Length / 2]:N1} ms (median), "
            + $"{frames[(int)(frames.Length * 0.99)]:N1} ms (99 %), {frames[^1]:N1} ms (longest); {frames.Count(frame => frame > 25)} frames were late; "
            + $"{tasks.Length} tasks over 50 ms, the longest {tasks.DefaultIfEmpty(0).Max():N0} ms");
    }

    [Fact]
    public async Task From_the_engines_first_token_to_its_frame()
    {
        SkipUnlessWanted();
        await using var server = await PageServer.StartAsync();
        await using var page = await browser.OpenAsync(server.Url);
        await page.AskAsync("warm up");
        await page.Page.EvaluateAsync("""
            () => {
              window.shown = [];
              const seen = new Set();
              new MutationObserver(() => {
                const text = [...document.querySelectorAll(".assistant .markdown")].at(-1)?.textContent ?? "";
                const time = /now (\d{13})/.exec(text)?.[1];
                if (!time || seen.has(time)) return;
                seen.add(time);
                requestAnimationFrame(() => window.shown.push(performance.timeOrigin + performance.now() - Number(time))); // the next frame: the one before is painted
              }).observe(document.body, { subtree: true, childList: true, characterData: true });
            }
            """);
        for (var i = 0; i < 50; i++)
        {
            await page.AskAsync("now");
        }

        var shown = (await page.Page.EvaluateAsync<double[]>("window.shown")).Order().ToArray();
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{shown.Length} answers: the first token was painted after {shown[shown.Length / 2]:N0} ms (median), {shown[^1]:N0} ms (longest)");
    }

    private static void SkipUnlessWanted() => Assert.SkipUnless(
        Environment.GetEnvironmentVariable("GPTOSS_LONG_TESTS") is "1", "A measurement; GPTOSS_LONG_TESTS=1 asks for it.");

    private static object LongConversation()
    {
        var messages = new Dictionary<string, object>(StringComparer.Ordinal);
        for (var i = 0; i < Turns; i++)
        {
            messages[$"{i}"] = i % 2 == 0
                ? new { role = "user", parent = i == 0 ? null : $"{i - 1}", created = i, text = $"Question {i}", files = Array.Empty<object>() }
                : new { role = "assistant", parent = $"{i - 1}", created = i, state = "done", parts = new[] { new { type = "text", text = LongText(2 * WordsPerTurn) } } };
        }

        return new { format = "gptoss-chat", version = 1, conversations = new[] { new { title = "long", leaf = $"{Turns - 1}", messages } } };
    }

    private static string LongText(int words) => string.Concat(Enumerable.Range(0, words).Select(i =>
        i % 40 == 39 ? "end.\n\n" : i % 200 == 100 ? "\n\n```csharp\nvar x = 1;\n```\n\n" : i % 90 == 80 ? "**bold** and $x^2$ " : "word "));
}
