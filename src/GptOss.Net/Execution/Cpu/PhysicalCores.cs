using System.Globalization;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Counts the cores that this process may use; the hyper-threads of a core count once, as they share its vector units.</summary>
internal static class PhysicalCores
{
    // From so many on, an eighth is left to the rest of the process and of the system.
    private const int Many = 16;
    private const int LeftShare = 8;

    /// <summary>
    /// How many threads compute: one on each core, or on seven of eight where there are many. There the last ones bring no bandwidth,
    /// and a phase of a step, which takes microseconds, would wait whenever anything else of the machine has a processor.
    /// </summary>
    public static int Threads(int cores) => cores < Many ? cores : cores - (cores / LeftShare);

    /// <summary>Counts them: at most as many as the process may use processors, by its container's limit too.</summary>
    public static int Count() => Count(Environment.ProcessorCount, "/sys/devices/system/cpu", "/proc/self/status");

    /// <param name="processors">How many processors the process may use at once.</param>
    /// <param name="topology">Where Linux tells which processors are of one core.</param>
    /// <param name="status">Where Linux tells which processors the process may run on.</param>
    internal static int Count(int processors, string topology, string status)
    {
        if (!Directory.Exists(topology))
        {
            return processors;
        }

        var allowed = Allowed(status);
        var cores = new HashSet<string>(StringComparer.Ordinal);
        foreach (var processor in Directory.EnumerateDirectories(topology, "cpu*"))
        {
            var siblings = Path.Combine(processor, "topology", "thread_siblings_list");
            if (File.Exists(siblings) && Number(Path.GetFileName(processor)["cpu".Length..]) is { } number && allowed(number))
            {
                cores.Add(File.ReadAllText(siblings));
            }
        }

        return cores.Count == 0 ? processors : Math.Min(processors, cores.Count);
    }

    /// <summary>Reads a line like <c>Cpus_allowed_list: 0-3,8-11</c>; without it every processor is allowed.</summary>
    private static Func<int, bool> Allowed(string status)
    {
        const string Name = "Cpus_allowed_list:";
        var lines = File.Exists(status) ? File.ReadLines(status) : [];
        if (lines.FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal)) is not { } list)
        {
            return _ => true;
        }

        var ranges = list[Name.Length..].Split(',').Select(range => range.Split('-')).ToArray();
        return number => ranges.Any(range => Number(range[0]) <= number && number <= Number(range[^1]));
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : null;
}
