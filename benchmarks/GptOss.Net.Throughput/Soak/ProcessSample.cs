using System.Diagnostics;
using System.Globalization;

namespace GptOss.Net.Throughput.Soak;

/// <summary>What this process holds while it does nothing.</summary>
/// <param name="Hours">Time since the start.</param>
/// <param name="ManagedBytes">The managed heap after a full collection.</param>
/// <param name="ResidentBytes">Memory of its own, in main memory or swapped out: no files, no shared libraries.</param>
/// <param name="Handles">Open files and the like.</param>
/// <param name="Threads">Threads, the runtime's included.</param>
/// <param name="ProcessorSeconds">Processor time since the start of the process.</param>
internal sealed record ProcessSample(
    double Hours, long ManagedBytes, long ResidentBytes, int Handles, int Threads, double ProcessorSeconds)
{
    public static ProcessSample Take(TimeSpan elapsed)
    {
        // The first collection finds what has a finalizer, the second what that held; it also gives unused memory back.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var process = Process.GetCurrentProcess();
        return new ProcessSample(
            elapsed.TotalHours,
            GC.GetTotalMemory(forceFullCollection: false),
            OperatingSystem.IsLinux() ? AnonymousBytes() : process.PrivateMemorySize64,
            process.HandleCount,
            process.Threads.Count,
            process.TotalProcessorTime.TotalSeconds);
    }

    // A leak that was swapped out does not show in the resident set.
    private static long AnonymousBytes() =>
        File.ReadLines("/proc/self/status")
            .Where(line => line.StartsWith("RssAnon:", StringComparison.Ordinal) || line.StartsWith("VmSwap:", StringComparison.Ordinal))
            .Sum(
                line => 1024 * long.Parse(
                    line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture));
}
