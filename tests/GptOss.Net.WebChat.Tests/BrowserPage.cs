using Deque.AxeCore.Commons;
using Microsoft.Playwright;

namespace GptOss.Net.WebChat.Tests;

/// <summary>The chat page as a user has it before him.</summary>
public sealed class BrowserPage : IAsyncDisposable
{
    private static readonly string Screenshots = Directory.CreateDirectory(
        Environment.GetEnvironmentVariable("GPTOSS_SCREENSHOTS") ?? Path.Combine(AppContext.BaseDirectory, "screenshots")).FullName;

    private static readonly (int Width, int Height) Desk = (1360, 850);
    private static readonly (int Width, int Height) Phone = (390, 800);

    private static readonly (string Scheme, string Device, int Width, int Height)[] Looks =
    [
        ("light", "desk", Desk.Width, Desk.Height),
        ("dark", "desk", Desk.Width, Desk.Height),
        ("dark", "phone", Phone.Width, Phone.Height),
        ("light", "phone", Phone.Width, Phone.Height),
    ];

    // What the page shows for some seconds stays until it was looked at.
    private const string SlowNotices =
        "const soon = setTimeout; window.setTimeout = (run, ms) => soon(run, ms === 10_000 || ms === 1_500 ? 300_000 : ms);";

    // The rules are put into a page once; Deque.AxeCore.Playwright does it for each check, and opens a page more for it.
    private const string RunAxe = """
        async () => {
          const { violations } = await axe.run({ resultTypes: ["violations"] });
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join("; ")}`);
        }
        """;

    private static readonly Lazy<string> Axe = new(() => new BundledAxeScriptProvider().GetScript());

    private const int DrawerWidth = 760; // below, the list is a drawer

    private readonly IBrowserContext _context;
    private readonly List<string> _errors = [];
    private ICDPSession? _session;

    private BrowserPage(IBrowserContext context, IPage page) => (_context, Page) = (context, page);

    public IPage Page { get; }

    /// <summary>Gets what the page's scripts threw.</summary>
    public IReadOnlyList<string> Errors => _errors;

    public ILocator Composer => Page.Locator("#message");

    public ILocator Messages => Page.Locator("article.message");

    public ILocator Answer => Page.Locator("article.assistant").Last;

    internal static async Task<BrowserPage> OpenAsync(IBrowserContext context, string url, Func<IPage, Task>? before = null)
    {
        var page = new BrowserPage(context, await context.NewPageAsync());
        page.Page.PageError += (_, error) => page._errors.Add(error);
        await page.Page.AddInitScriptAsync(SlowNotices);
        await (before?.Invoke(page.Page) ?? Task.CompletedTask);
        await page.Page.GotoAsync(url);
        return page;
    }

    public async Task<BrowserPage> OpenAnotherAsync(string url) => await OpenAsync(_context, url);

    public async Task SendAsync(string text)
    {
        await Composer.FillAsync(text);
        await Page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true }).ClickAsync();
    }

    /// <summary>Sends a message and waits for the whole answer.</summary>
    public async Task AskAsync(string text)
    {
        var count = await Messages.CountAsync();
        await SendAsync(text);
        await Assertions.Expect(Messages).ToHaveCountAsync(count + 2);
        await EndsAsync("done");
    }

    public Task EndsAsync(string state) => Assertions.Expect(Answer).ToHaveAttributeAsync("data-state", state);

    public ILocator Button(string name) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    /// <summary>
    /// In each theme, at a desk and on a phone: writes a screenshot, and finds what is outside of the window and what people with
    /// disabilities could not use.
    /// </summary>
    public async Task CheckAsync(string name)
    {
        foreach (var (scheme, device, width, height) in Looks)
        {
            await LookAsync(scheme, width, height);
            await CheckLookAsync($"{name}-{scheme}-{device}");
        }

        await LookAsync("light", Desk.Width, Desk.Height);
    }

    /// <summary>The same for the window as it is.</summary>
    public async Task CheckLookAsync(string name)
    {
        await Page.ScreenshotAsync(new() { Path = Path.Combine(Screenshots, name + ".png"), Animations = ScreenshotAnimations.Disabled });
        var outside = await Page.EvaluateAsync<string[]>(
            "[...document.querySelectorAll('.top > *, .status > *, .banner, .composer, .notice, article, dialog')]"
            + ".filter(element => element.getBoundingClientRect().right > innerWidth + 1).map(element => element.outerHTML.slice(0, 100))");
        outside.Should().BeEmpty($"{name}: what is outside of the window cannot be used");
        (await Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth")).Should().BeTrue($"{name} scrolls sideways");
        if (await Page.EvaluateAsync<bool>("!window.axe"))
        {
            await Page.EvaluateAsync(Axe.Value);
        }

        (await Page.EvaluateAsync<string[]>(RunAxe)).Should().BeEmpty(name);
        _errors.Should().BeEmpty();
    }

    /// <summary>Changes theme and window under the page; a phone has a finger instead of a mouse.</summary>
    public async Task LookAsync(string scheme, int width, int height)
    {
        _session ??= await _context.NewCDPSessionAsync(Page);
        await _session.SendAsync("Emulation.setTouchEmulationEnabled", new() { ["enabled"] = width < DrawerWidth });
        await Page.EmulateMediaAsync(new() { ColorScheme = scheme == "dark" ? ColorScheme.Dark : ColorScheme.Light });
        await Page.SetViewportSizeAsync(width, height);
        await Page.EvaluateAsync("new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))"); // drawn
    }

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
