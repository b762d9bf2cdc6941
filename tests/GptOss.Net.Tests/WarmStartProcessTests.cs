using System.Diagnostics;
using DemoModel;

namespace GptOss.Net.Tests;

/// <summary>
/// The console's chat as programs of their own that share a cache of repacked weights: several at once, and one that is killed.
/// </summary>
public sealed class WarmStartProcessTests : IDisposable
{
    private readonly TemporaryDirectory _home = new();

    private string Folder => Path.Combine(_home.Path, "assets", "GptOss.Net", "repacked");

    public void Dispose() => _home.Dispose();

    [Fact]
    public async Task Programs_that_start_at_once_and_one_that_is_killed_leave_a_file_that_the_next_maps()
    {
        var model = await DemoCheckpoint.ExtractAsync(_home.File("nano"), TestContext.Current.CancellationToken);
        using (var killed = Start(model))
        {
            while (!killed.HasExited && !Directory.Exists(Folder))
            {
                await Task.Delay(1, TestContext.Current.CancellationToken);
            }

            killed.Kill(); // while it writes, or just after
            await killed.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        Process[] programs = [Start(model), Start(model)];
        var answers = await Task.WhenAll(programs.Select(ReadAsync));
        var third = await ReadAsync(Start(model));

        answers.Append(third).Should().OnlyContain(answer => answer.Contains("gpt-oss-nano", StringComparison.Ordinal));
        Directory.GetFiles(Folder).Select(Path.GetExtension).Should().BeEquivalentTo(".weights", ".lock");
    }

    private static async Task<string> ReadAsync(Process program)
    {
        using (program)
        {
            var output = await program.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await program.WaitForExitAsync(TestContext.Current.CancellationToken);
            return program.ExitCode == 0 ? output : $"failed: {output}";
        }
    }

    private Process Start(string model)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "..", "..", "ConsoleChat", "debug", "ConsoleChat.dll");
        Assert.SkipUnless(File.Exists(program), "Build samples/ConsoleChat first.");
        string[] arguments = [program, "--model", model, "--repack-cache", "--temperature", "0", "Who are you?"];
        var start = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["HF_HOME"] = _home.Path;
        start.Environment.Remove("HF_ASSETS_CACHE");
        return Process.Start(start)!;
    }
}
