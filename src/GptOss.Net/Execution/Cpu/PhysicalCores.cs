namespace GptOss.Net.Execution.Cpu;

/// <summary>Counts the cores that this process may use; the hyper-threads of a core count once, as they share its vector units.</summary>
internal static class PhysicalCores
{
    private const string Topology = "/sys/devices/system/cpu";

    public static int Count()
    {
        var processors = Environment.ProcessorCount;
        if (!Directory.Exists(Topology))
        {
            return processors;
        }

        var cores = new HashSet<string>(StringComparer.Ordinal);
        foreach (var processor in Directory.EnumerateDirectories(Topology, "cpu*"))
        {
            var siblings = Path.Combine(processor, "topology", "thread_siblings_list");
            if (File.Exists(siblings))
            {
                cores.Add(File.ReadAllText(siblings));
            }
        }

        return cores.Count == 0 ? processors : Math.Min(processors, cores.Count);
    }
}
