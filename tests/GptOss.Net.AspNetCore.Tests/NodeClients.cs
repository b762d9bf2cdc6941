using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>The programs in <c>Clients</c>, run once in one process for all tests of them.</summary>
public sealed class NodeClients : IAsyncLifetime
{
    private static readonly string Folder = Path.Combine(Path.GetDirectoryName(Here())!, "Clients");

    private readonly Dictionary<string, string?> _errors = new(StringComparer.Ordinal);

    public static string[] Programs => ["openai.mjs", "ai-sdk.mjs", "agents.mjs", "langchain.mjs", "anthropic.mjs", "deployment.mjs"];

    /// <summary>Gets why they cannot run here; null if they can.</summary>
    public static string? Missing => FindNode() is null ? "There is no Node.js on this machine's path."
        : Directory.Exists(Path.Combine(Folder, "node_modules")) ? null
        : "The clients are not installed; .ci/run installs them.";

    /// <summary>What went wrong in a program; null if nothing did.</summary>
    public string? ErrorOf(string program) => _errors[program];

    public async ValueTask InitializeAsync()
    {
        if (Missing is not null)
        {
            return;
        }

        await using var server = await TestServer.StartAsync(
            ScriptedAgent.Create(), services: services => ScriptedTokenModel.AddTo(services));
        var start = new ProcessStartInfo(FindNode()!, ["run.mjs", server.Url.ToString().TrimEnd('/'), .. Programs])
        {
            WorkingDirectory = Folder,
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5)); // a client that waits for ever fails its tests
        await using var kill = patience.Token.Register(() => process.Kill(entireProcessTree: true));
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.Should().Be(0, $"{output}\n{await errors}");
        foreach (var line in output.Split('\n').Where(line => line.StartsWith("{\"program\"", StringComparison.Ordinal)))
        {
            var result = JsonElement.Parse(line);
            _errors[result.GetProperty("program").GetString()!] = result.TryGetProperty("error", out var error) ? error.GetString() : null;
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static string? FindNode() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "node.exe" : "node"))
        .FirstOrDefault(File.Exists);

    private static string Here([CallerFilePath] string path = "") => path;
}
