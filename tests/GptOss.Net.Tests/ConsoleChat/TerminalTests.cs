using System.Diagnostics;
using System.Text;

namespace GptOss.Net.Tests.ConsoleChat;

/// <summary>The console's chat in a terminal, as somebody types: the demonstration model answers.</summary>
public sealed class TerminalTests : IDisposable
{
    private const string Up = "\u001b[A";
    private const string Left = "\u001b[D";
    private const string Backspace = "\u007f";
    private const string EndOfInput = "\u0004";

    private static readonly string Program = Path.GetFullPath(
        Path.Combine(AppContext.BaseDirectory, "..", "..", "ConsoleChat", "debug", "ConsoleChat.dll"));

    private readonly TemporaryDirectory _folder = new();
    private readonly StringBuilder _output = new();
    private int _seen;
    private Process _process = null!;

    public void Dispose()
    {
        _process?.Kill(entireProcessTree: true);
        _process?.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Lines_are_edited_called_back_pasted_and_answered()
    {
        await StartAsync();
        await TypeAsync("Helo", Left, "l", "\r");
        await UntilAsync("tokens/s");
        _output.ToString().Should().Contain("\r\u001b[K> Hello");

        await TypeAsync(Up, "!", Backspace, "!", "\r");
        await UntilAsync("> Hello!");
        await UntilAsync("tokens/s");

        await TypeAsync("Name a planet.\rWho are you?"); // pasted: its line end is no end of the message
        await UntilAsync("Name a planet.↵Who are you?");
        await TypeAsync("\r");
        await UntilAsync("tokens/s");

        var file = _folder.File("chat.json");
        await TypeAsync($"/save {file}", "\r");
        await UntilAsync("6 messages are in");
        (await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)).Should()
            .Contain("Hello!").And.Contain("""Name a planet.\nWho are you?""");

        await TypeAsync("/memory", "\r");
        await UntilAsync("cpu: weights");
        await TypeAsync(EndOfInput);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        _process.ExitCode.Should().Be(0);
    }

    private async Task StartAsync()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "Needs a terminal: the program 'script' of util-linux.");
        Assert.SkipUnless(File.Exists(Program), "Build samples/ConsoleChat first.");
        var start = new ProcessStartInfo("script", ["-qefc", $"stty cols 100 rows 40; dotnet '{Program}'", "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        start.Environment["TERM"] = "xterm";
        foreach (var name in new[] { "CI", "GITHUB_ACTIONS", "NO_COLOR" })
        {
            start.Environment.Remove(name);
        }

        _process = Process.Start(start)!;
        _ = ReadAsync();
        await UntilAsync("an empty line ends the chat");
        await UntilAsync("> ");
    }

    private async Task ReadAsync()
    {
        var buffer = new char[4_096];
        while (await _process.StandardOutput.ReadAsync(buffer) is > 0 and var count)
        {
            lock (_output)
            {
                _output.Append(buffer, 0, count);
            }
        }
    }

    // One key after the other, each when the one before is shown: what comes at once counts as pasted.
    private async Task TypeAsync(params string[] keys)
    {
        foreach (var key in keys)
        {
            await _process.StandardInput.WriteAsync(key);
            await _process.StandardInput.FlushAsync();
            await Task.Delay(150, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits for a text behind the one waited for before.</summary>
    private async Task UntilAsync(string text)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            string output;
            lock (_output)
            {
                output = _output.ToString();
            }

            var at = output.IndexOf(text, _seen, StringComparison.Ordinal);
            if (at >= 0)
            {
                _seen = at + text.Length;
                return;
            }

            clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(60), $"'{text}' should come after {output[_seen..]}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
