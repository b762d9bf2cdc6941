using System.Text.Json;

namespace GptOss.Net.WebChat.Tests;

/// <summary>How fast the page is, measured and printed; asked for by <c>GPTOSS_LONG_TESTS=1</c>.</summary>
public sealed class PageSpeedTests(Chromium browser) : IClassFixture<Chromium>
{
    private const int Turns = 40;
    private const int WordsPerTurn = 500; // a word and its space are a token: 20,000 in all

    // Counts frames and tasks of more than 50 ms from now on.
    private const string CountFrames = """
        () => {
          [window.frames, window.tasks, window.begin] = [[], [], performance.now()];
          if (window.isCounting) return;
          window.isCounting = true;
          const tasks = new PerformanceObserver(list => window.tasks.push(...list.getEntries().map(entry => entry.duration)));
          tasks.observe({ type: "longtask" });
          let last = performance.now();
          const count = now => { window.frames.push([last - begin, now - last]); last = now; requestAnimationFrame(count); };
          requestAnimationFrame(count);
        }
        """;

    [Theory]
    [InlineData("long 1500", 10)] // a hundred tokens a second
    [InlineData("long 5000", 2)]
    [InlineData("code 200", 50)] // lines of ten tokens
    public async Task Frames_while_tokens_stream_into_a_conversation_of_20_000(string request, int milliseconds)
    {
        SkipUnlessWanted();
        await using var server = await PageServer.StartAsync();
        server.Chat.TokenTime = TimeSpan.FromMilliseconds(milliseconds);
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
        await page.Page.EvaluateAsync(CountFrames);
        await page.Page.WaitForTimeoutAsync(3_000);
        await WriteFramesAsync(page, "nothing happens");

        await page.Composer.FillAsync(request);
        await page.Page.EvaluateAsync(CountFrames);
        await page.Composer.PressAsync("Enter");
        await Microsoft.Playwright.Assertions.Expect(page.Answer).ToHaveAttributeAsync("data-state", "done", new() { Timeout = 60_000 });
        await WriteFramesAsync(page, $"{request}, a token each {milliseconds} ms");
    }

    private static async Task WriteFramesAsync(BrowserPage page, string what)
    {
        var frames = await page.Page.EvaluateAsync<double[][]>("window.frames");
        var tasks = await page.Page.EvaluateAsync<double[]>("window.tasks");
        var times = frames.Select(frame => frame[1]).Order().ToArray();
        var late = frames.Where(frame => frame[1] > 25).Select(frame => $"{frame[1]:N0} ms at {frame[0] / 1_000:N2} s");
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{what}: {times.Length * 1_000 / times.Sum():N1} frames a second over {times.Sum() / 1_000:N1} s; "
            + $"a frame took {times[times.Length / 2]:N1} ms (median), "
            + $"{times[(int)(times.Length * 0.99)]:N1} ms (99 %), {times[^1]:N1} ms (longest); "
            + $"{tasks.Length} tasks over 50 ms, the longest {tasks.DefaultIfEmpty(0).Max():N0} ms; "
            + $"late frames: {string.Join(", ", late)}");
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
              const read = new Map();
              const sinceToken = time => performance.timeOrigin + performance.now() - Number(time);
              const decode = TextDecoder.prototype.decode;
              TextDecoder.prototype.decode = function (...given) {
                const text = decode.apply(this, given);
                const time = /now (\d{13})/.exec(text)?.[1];
                if (time) read.set(time, sinceToken(time));
                return text;
              };
              const seen = new Set();
              new MutationObserver(() => {
                const text = [...document.querySelectorAll(".assistant .markdown")].at(-1)?.textContent ?? "";
                const time = /now (\d{13})/.exec(text)?.[1];
                if (!time || seen.has(time)) return;
                seen.add(time);
                const written = sinceToken(time);
                // The next frame: the one before is painted.
                requestAnimationFrame(() => window.shown.push([sinceToken(time), read.get(time), written]));
              }).observe(document.body, { subtree: true, childList: true, characterData: true });
            }
            """);
        for (var i = 0; i < 50; i++)
        {
            await page.AskAsync("now");
            await page.Page.WaitForTimeoutAsync(200);
        }

        var shown = (await page.Page.EvaluateAsync<double[][]>("window.shown")).OrderBy(times => times[0]).ToArray();
        var slowest = shown.TakeLast(5).Select(times => $"read {times[1]:N0}, written {times[2]:N0}, painted {times[0]:N0} ms");
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{shown.Length} answers: the first token was painted after {shown[shown.Length / 2][0]:N0} ms (median), "
            + $"{shown[^1][0]:N0} ms (longest); the slowest: {string.Join(", ", slowest)}");
    }

    private static void SkipUnlessWanted() => Assert.SkipUnless(
        Environment.GetEnvironmentVariable("GPTOSS_LONG_TESTS") is "1", "A measurement; GPTOSS_LONG_TESTS=1 asks for it.");

    private static object LongConversation()
    {
        var messages = new Dictionary<string, object>(StringComparer.Ordinal);
        for (var i = 0; i < Turns; i++)
        {
            messages[$"{i}"] = i % 2 == 0
                ? new
                {
                    role = "user",
                    parent = i == 0 ? null : $"{i - 1}",
                    created = i,
                    text = $"Question {i}",
                    files = Array.Empty<object>(),
                }
                : new
                {
                    role = "assistant",
                    parent = $"{i - 1}",
                    created = i,
                    state = "done",
                    parts = new[] { new { type = "text", text = LongText(2 * WordsPerTurn) } },
                };
        }

        return new
        {
            format = "gptoss-chat",
            version = 1,
            conversations = new[] { new { title = "long", leaf = $"{Turns - 1}", messages } },
        };
    }

    private static string LongText(int words) => string.Concat(Enumerable.Range(0, words).Select(i =>
        i % 40 == 39
            ? "end.\n\n"
            : i % 200 == 100 ? "\n\n```csharp\nvar x = 1;\n```\n\n" : i % 90 == 80 ? "**bold** and $x^2$ " : "word "));
}
