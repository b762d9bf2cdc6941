using System.Globalization;

namespace GptOss.Net.Interop;

/// <summary>
/// Main memory on Linux: the kernel's estimate for the machine, and the limits of the control groups that this process is in,
/// version 1 or 2, its own and those above it.
/// </summary>
/// <param name="root">The directory that holds <c>proc</c> and <c>sys</c>; another one in tests.</param>
internal sealed class LinuxMemory(string root = "/")
{
    /// <summary>Bytes in all, and bytes to be had without swapping; <see langword="null"/> where the kernel does not tell.</summary>
    public (long Total, long Free)? Measure()
    {
        var machine = ReadTable("proc/meminfo");
        if (!machine.TryGetValue("MemTotal:", out var total) || !machine.TryGetValue("MemAvailable:", out var free))
        {
            return null;
        }

        // A table in kB.
        (total, free) = (total * 1024, free * 1024);
        foreach (var group in Groups())
        {
            if (group.Limit() is { } limit)
            {
                (total, free) = (Math.Min(total, limit), Math.Min(free, Math.Max(0, limit - group.Used())));
            }
        }

        return (total, free);
    }

    private IEnumerable<MemoryGroup> Groups()
    {
        foreach (var line in ReadLines("proc/self/cgroup"))
        {
            // hierarchy:controllers:path, the controllers being empty in version 2.
            if (line.Split(':', 3) is not [_, var controllers, var path])
            {
                continue;
            }

            var isUnified = controllers.Length == 0;
            if ((isUnified || controllers.Split(',').Contains("memory", StringComparer.Ordinal))
                && FindMount(isUnified) is var (mounted, place))
            {
                foreach (var directory in Directories(place, Below(path, mounted)))
                {
                    yield return new MemoryGroup(this, directory, isUnified);
                }
            }
        }
    }

    /// <summary>What part of the hierarchy is mounted where; in a container often only its own group, as the root.</summary>
    private (string Root, string Place)? FindMount(bool isUnified)
    {
        foreach (var line in ReadLines("proc/self/mountinfo"))
        {
            // id parent device root place options … - type source options
            var (fields, end) = (line.Split(' '), line.Split(" - ", 2));
            if (fields.Length < 5 || end.Length < 2 || end[1].Split(' ') is not [var type, _, var options, ..])
            {
                continue;
            }

            if (isUnified ? type is "cgroup2" : type is "cgroup" && options.Split(',').Contains("memory", StringComparer.Ordinal))
            {
                return (fields[3], fields[4]);
            }
        }

        return null;
    }

    private static string Below(string path, string mounted) =>
        mounted is "/" ? path : path.StartsWith(mounted, StringComparison.Ordinal) ? path[mounted.Length..] : "/";

    /// <summary>The directory of a group and of those above it.</summary>
    private static IEnumerable<string> Directories(string place, string path)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Contains("..", StringComparer.Ordinal))
        {
            parts = []; // outside of the namespace: only its root is to be seen
        }

        for (var depth = parts.Length; depth >= 0; depth--)
        {
            yield return Path.Combine([place.TrimStart('/'), .. parts[..depth]]);
        }
    }

    private Dictionary<string, long> ReadTable(string path)
    {
        var table = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var line in ReadLines(path))
        {
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var name, var value, ..] && Parse(value) is { } number)
            {
                table.TryAdd(name, number);
            }
        }

        return table;
    }

    private string[] ReadLines(string path)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static long? Parse(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>A control group that limits memory, or does not.</summary>
    private sealed class MemoryGroup(LinuxMemory memory, string directory, bool isUnified)
    {
        /// <summary>The limit in bytes; version 1 says "none" by a number that no machine reaches.</summary>
        public long? Limit() => isUnified ? Smaller(Read("memory.max"), Read("memory.high")) : Read("memory.limit_in_bytes");

        /// <summary>What could not be had by giving up file pages.</summary>
        public long Used()
        {
            var statistics = memory.ReadTable(Path.Combine(directory, "memory.stat"));
            var prefix = isUnified ? "" : "total_";
            var files = statistics.GetValueOrDefault($"{prefix}inactive_file") + statistics.GetValueOrDefault($"{prefix}active_file");
            return (Read(isUnified ? "memory.current" : "memory.usage_in_bytes") ?? 0) - files;
        }

        private static long? Smaller(long? a, long? b) => a is { } x && b is { } y ? Math.Min(x, y) : a ?? b;

        private long? Read(string file) =>
            memory.ReadLines(Path.Combine(directory, file)) is [var text, ..] ? Parse(text.Trim()) : null;
    }
}
