using System.Globalization;

namespace GptOss.Net.Interop;

/// <summary>Main memory, as far as this process may use it.</summary>
internal static class HostMemory
{
    private const string LinuxTable = "/proc/meminfo";

    /// <summary>Bytes in all (a container's limit counts) and bytes to be had without swapping.</summary>
    internal static (long Total, long Free) Measure()
    {
        var collector = GC.GetGCMemoryInfo();
        var total = collector.TotalAvailableMemoryBytes;
        var withinLimit = Math.Max(0, total - Environment.WorkingSet);
        var free = OperatingSystem.IsLinux() && File.Exists(LinuxTable)
            ? ParseAvailable(File.ReadLines(LinuxTable))
            : Math.Max(0, total - collector.MemoryLoadBytes);
        return (total, Math.Min(free ?? withinLimit, withinLimit));
    }

    /// <summary>The kernel's own estimate in a table like "MemAvailable:   12345 kB", in bytes.</summary>
    internal static long? ParseAvailable(IEnumerable<string> lines)
    {
        const string Name = "MemAvailable:";
        var line = lines.FirstOrDefault(text => text.StartsWith(Name, StringComparison.Ordinal));
        var number = line?[Name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
        return long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var kibibytes) ? kibibytes * 1024 : null;
    }
}
