using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace GptOss.Net.AspNetCore.Tests;

/// <summary>
/// Clients of the JavaScript world, each a program in <c>Clients</c> that checks what it gets. <c>.ci/run</c> installs them; by hand:
/// <c>npm install --prefix tests/GptOss.Net.AspNetCore.Tests/Clients --no-package-lock</c>.
/// </summary>
public sealed class NodeClientTests
{
    private static readonly string Folder = Path.Combine(Path.GetDirectoryName(Here())!, "Clients");

    [Theory]
    [InlineData("openai.mjs")]
    [InlineData("ai-sdk.mjs")]
    [InlineData("agents.mjs")]
    [InlineData("langchain.mjs")]
    [InlineData("anthropic.mjs")]
    [InlineData("dockerfile.mjs")]
    public async Task A_client_gets_what_it_expects(string program)
    {
        var node = FindNode();
        Assert.SkipWhen(node is null, "There is no Node.js on this machine's path.");
        Assert.SkipUnless(Directory.Exists(Path.Combine(Folder, "node_modules")), "The clients are not installed; .ci/run installs them.");
        await using var server = await TestServer.StartAsync(
            ScriptedAgent.Create(), services: services => ScriptedTokenModel.AddTo(services));
        var start = new ProcessStartInfo(node!, [program, server.Url.ToString().TrimEnd('/')])
        {
            WorkingDirectory = Folder,
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.Should().Be(0, $"{await output}\n{await errors}");
    }

    private static string? FindNode() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, OperatingSystem.IsWindows() ? "node.exe" : "node"))
        .FirstOrDefault(File.Exists);

    private static string Here([CallerFilePath] string path = "") => path;
}
