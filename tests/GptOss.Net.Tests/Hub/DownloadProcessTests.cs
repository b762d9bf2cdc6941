using System.Diagnostics;
using System.Globalization;
using DemoModel;
using GptOss.Net.Hub;
using static GptOss.Net.Tests.Hub.HubServer;

namespace GptOss.Net.Tests.Hub;

/// <summary>
/// The console's chat as a program of its own, with the hub on this machine: consent, a program that is killed, a disk that is full.
/// </summary>
public sealed class DownloadProcessTests : IDisposable
{
    private const string Id = "openai/gpt-oss-20b";

    private readonly HubServer _server = new();
    private readonly TemporaryDirectory _home = new();

    private string Repository => Path.Combine(_home.Path, "hub", "models--openai--gpt-oss-20b");

    public void Dispose()
    {
        _server.Dispose();
        _home.Dispose();
    }

    [Fact]
    public async Task The_chat_asks_downloads_and_answers()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && File.Exists("/usr/bin/script"), "Needs a terminal: the program 'script' of util-linux.");
        await ServeDemoModelAsync();

        var declined = await RunInTerminalAsync("n\n");
        declined.Should().Contain("Download it?").And.Contain("AllowDownload");
        _server.Requests.Should().BeEmpty();

        var accepted = await RunInTerminalAsync("y\n");
        accepted.Should().Contain("Download it?").And.Contain("gpt-oss-nano");

        _server.Requests.Clear();
        var again = await RunInTerminalAsync(string.Empty);
        again.Should().NotContain("Download it?").And.Contain("gpt-oss-nano");
        _server.Requests.Should().BeEmpty();
    }

    [Fact]
    public async Task The_command_downloads_once_and_says_where()
    {
        await ServeDemoModelAsync();

        var output = await RunToolAsync();
        output.Should().Contain($"{Id} is at {Path.Combine(Repository, "snapshots", Commit)}");
        var weights = _server.Files["model.safetensors"];
        File.ReadAllBytes(Path.Combine(Repository, "snapshots", Commit, "model.safetensors")).Should().Equal(weights);

        _server.Requests.Clear();
        (await RunToolAsync()).Should().Be(output);
        _server.Requests.Should().BeEmpty("it is here already");
    }

    [Fact]
    public async Task A_download_that_was_killed_is_resumed_and_right()
    {
        await ServeDemoModelAsync();
        var weights = _server.Files["model.safetensors"];
        _server.PauseBetweenParts = TimeSpan.FromMilliseconds(250);
        using (var process = Start("--download"))
        {
            await UntilAsync(() => Incomplete() is { Length: > 1 << 20 } || process.HasExited);
            process.HasExited.Should().BeFalse();
            process.Kill(); // SIGKILL: nothing of it runs any more
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        var kept = Incomplete()!.Length;
        kept.Should().BeInRange(1 << 20, weights.Length - 1);
        File.Exists(Path.Combine(Repository, "refs", "main")).Should().BeFalse("nobody may take it for a whole one");
        _server.Requests.Clear();
        _server.PauseBetweenParts = TimeSpan.Zero;

        using var second = Start("--download");
        var output = await second.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await second.WaitForExitAsync(TestContext.Current.CancellationToken);

        second.ExitCode.Should().Be(0);
        output.Should().Contain("gpt-oss-nano");
        File.ReadAllBytes(Path.Combine(Repository, "snapshots", Commit, "model.safetensors")).Should().Equal(weights);
        var first = _server.Requests.Where(
            request => request.Path.Contains("model.safetensors", StringComparison.Ordinal) && request.Range is not null)
            .Min(request => long.Parse(request.Range!["bytes=".Length..].Split('-')[0], CultureInfo.InvariantCulture));
        first.Should().Be(kept, "what came is not sent again");
        TestContext.Current.TestOutputHelper!.WriteLine($"killed at {kept:N0} of {weights.Length:N0} bytes, and resumed there");
    }

    [Fact]
    public async Task A_disk_that_becomes_full_is_one_clear_error_and_what_came_is_kept()
    {
        var disk = _home.File("disk");
        Directory.CreateDirectory(disk);
        Assert.SkipUnless(await SmallDisk.MountAsync(disk, "24m"), "Needs the right to mount a small file system.");
        try
        {
            var weights = new byte[20 << 20];
            new Random(1).NextBytes(weights);
            _server.Files["config.json"] = "{}"u8.ToArray();
            _server.Files["model.safetensors"] = weights;
            var filler = Path.Combine(disk, "filler");
            _server.Faults = (_, path) =>
            {
                if (path.Contains("model.safetensors", StringComparison.Ordinal) && !File.Exists(filler))
                {
                    File.WriteAllBytes(filler, new byte[12 << 20]); // somebody else needs room
                }

                return null;
            };
            var settings = new HubSettings(_server.Address, disk, Token: null, IsOffline: false);
            Task<string> Resolve() => ModelSource.ResolveAsync(
                Id, new GptOssModelOptions { AllowDownload = true }, settings, null, TestContext.Current.CancellationToken);

            (await FluentActions.Awaiting(Resolve).Should().ThrowAsync<ModelDownloadException>()).WithMessage("*cannot be written*");

            File.Delete(filler);
            _server.Faults = (_, _) => null;
            File.ReadAllBytes(Path.Combine(await Resolve(), "model.safetensors")).Should().Equal(weights);
        }
        finally
        {
            await SmallDisk.UnmountAsync(disk);
        }
    }

    private async Task ServeDemoModelAsync()
    {
        var folder = await DemoCheckpoint.ExtractAsync(_home.File("nano"), TestContext.Current.CancellationToken);
        foreach (var path in Directory.GetFiles(folder))
        {
            _server.Files[Path.GetFileName(path)] = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        }
    }

    private FileInfo? Incomplete() =>
        Directory.Exists(Path.Combine(Repository, "blobs"))
            ? new DirectoryInfo(Path.Combine(Repository, "blobs")).GetFiles("*.incomplete").MaxBy(file => file.Length)
            : null;

    private static string Program => Path.Combine(AppContext.BaseDirectory, "..", "..", "ConsoleChat", "debug", "ConsoleChat.dll");

    private Process Start(params string[] options) => Process.Start(Environment(new ProcessStartInfo(
        "dotnet", [Program, "--model", Id, "--temperature", "0", .. options, "Who are you?"])))!;

    private static string Tool => Path.Combine(AppContext.BaseDirectory, "..", "..", "GptOss.Net.Tool", "debug", "GptOss.Net.Tool.dll");

    private async Task<string> RunToolAsync()
    {
        using var process = Process.Start(Environment(new ProcessStartInfo("dotnet", [Tool, "download", Id])))!;
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.Should().Be(0);
        return output;
    }

    private async Task<string> RunInTerminalAsync(string input)
    {
        var command = $"dotnet '{Path.GetFullPath(Program)}' --model {Id} --temperature 0 'Who are you?'";
        using var process = Process.Start(Environment(
            new ProcessStartInfo("script", ["-qefc", command, "/dev/null"]) { RedirectStandardInput = true, UseShellExecute = false }))!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteAsync(input);
        await process.StandardInput.FlushAsync();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return await output;
    }

    private ProcessStartInfo Environment(ProcessStartInfo start)
    {
        Assert.SkipUnless(File.Exists(Program) && File.Exists(Tool), "Build samples/ConsoleChat and tools/GptOss.Net.Tool first.");
        start.UseShellExecute = false;
        start.RedirectStandardOutput = true;
        start.Environment["HF_ENDPOINT"] = _server.Address.ToString();
        start.Environment["HF_HOME"] = _home.Path;
        start.Environment["TERM"] = "xterm";
        foreach (var name in new[] { "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN", "CI", "GITHUB_ACTIONS", "NO_COLOR" })
        {
            start.Environment.Remove(name);
        }

        return start;
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
