using System.Diagnostics;
using System.Text.Json;

namespace GptOss.Net.Throughput;

/// <summary>The other side of a comparison: a program that measures once for every line it reads.</summary>
internal sealed class PeerProcess : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts a command and waits until it is ready.</summary>
    public PeerProcess(string command)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", command])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        _process = Process.Start(start)!;
        while (_process.StandardOutput.ReadLine() is { } line && !string.Equals(line, "ready", StringComparison.Ordinal))
        {
        }
    }

    public Measurement Measure()
    {
        _process.StandardInput.WriteLine();
        var line = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("The peer has ended.");
        var result = JsonDocument.Parse(line).RootElement;
        return new Measurement(result.GetProperty("prefill").GetDouble(), result.GetProperty("decode").GetDouble());
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
