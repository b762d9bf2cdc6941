using System.Diagnostics;

namespace GptOss.Net.AspNetCore.Tests.Replication;

/// <summary><c>samples/Server</c> as a process of its own, over the demonstration model.</summary>
internal sealed class ReplicaProcess : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";
    private readonly Process _process;
    private readonly TaskCompletionSource<string> _url = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ReplicaProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public Task<string> Url => _url.Task;

    /// <summary>Begins a process; it listens on a free port when <see cref="Url"/> is there, and loads in the background.</summary>
    public static ReplicaProcess Start()
    {
        var folder = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory);
        var program = Path.Combine(folder, "..", "..", "Server", Path.GetFileName(folder), "Server.dll");
        var start = new ProcessStartInfo("dotnet", [program, "--urls", "http://127.0.0.1:0"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return new ReplicaProcess(Process.Start(start)!);
    }

    /// <summary>As a machine that is lost: SIGKILL, nothing of it runs any more.</summary>
    public void Kill() => _process.Kill();

    /// <summary>As an orchestrator stops it: SIGTERM; its exit code.</summary>
    public async Task<int> DrainAsync(CancellationToken cancellationToken)
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Read(string? line)
    {
        if (line is null)
        {
            _url.TrySetException(new InvalidOperationException("The server ended before it listened."));
        }
        else if (line.Contains(Listening, StringComparison.Ordinal))
        {
            _url.TrySetResult(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..]);
        }
    }
}
