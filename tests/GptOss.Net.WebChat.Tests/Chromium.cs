using Microsoft.Playwright;

namespace GptOss.Net.WebChat.Tests;

/// <summary>The system's browser, started once for all tests.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private static readonly string[] Places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync() => await StartAsync();

    /// <summary>Starts the browser, where there is one, with further arguments.</summary>
    public async Task StartAsync(params string[] arguments)
    {
        if (FindProgram() is not { } program)
        {
            return;
        }

        Assertions.SetDefaultExpectTimeout(20_000); // the machine may do other things
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = program,
            Args =
            [
                "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync",
                .. arguments,
            ],
        });
    }

    /// <summary>A page of its own, with nothing stored; <paramref name="before"/> may change the page before it loads.</summary>
    public async Task<BrowserPage> OpenAsync(
        string url, int width = 1360, int height = 850, int scale = 1, string locale = "en-US", Func<IPage, Task>? before = null)
    {
        Assert.SkipWhen(
            _browser is null, $"Needs Chromium: none of {string.Join(", ", Places)} is there, nor does GPTOSS_CHROMIUM name one.");
        var context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ColorScheme = ColorScheme.Light,
            ViewportSize = new ViewportSize { Width = width, Height = height },
            DeviceScaleFactor = scale,
            Locale = locale,
            Permissions = ["clipboard-read", "clipboard-write"],
        });
        return await BrowserPage.OpenAsync(context, url, before);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }

    private static string? FindProgram() =>
        Environment.GetEnvironmentVariable("GPTOSS_CHROMIUM") is { Length: > 0 } named ? named : Places.FirstOrDefault(File.Exists);
}
