namespace GptOss.Net.Interop;

/// <summary>Main memory, as far as this process may use it.</summary>
internal static class HostMemory
{
    /// <summary>Bytes in all (a container's limit counts) and bytes to be had without swapping.</summary>
    /// <remarks>
    /// A limit of the managed heap says nothing of weights, which lie outside of it; only where the system does not tell, the
    /// collector's view has to do.
    /// </remarks>
    internal static (long Total, long Free) Measure()
    {
        if (OperatingSystem.IsLinux() && new LinuxMemory().Measure() is { } measured)
        {
            return measured;
        }

        var collector = GC.GetGCMemoryInfo();
        var total = collector.TotalAvailableMemoryBytes;
        return (total, Math.Max(0, total - Math.Max(collector.MemoryLoadBytes, Environment.WorkingSet)));
    }
}
