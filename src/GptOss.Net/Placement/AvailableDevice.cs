using GptOss.Net.Interop;

namespace GptOss.Net.Placement;

/// <summary>A device of this machine and its memory.</summary>
/// <param name="Id">The device.</param>
/// <param name="Name">What the driver calls it.</param>
/// <param name="TotalBytes">Its memory.</param>
/// <param name="FreeBytes">The part that no process uses.</param>
internal sealed record AvailableDevice(DeviceId Id, string Name, long TotalBytes, long FreeBytes)
{
    // What stays outside of every plan in main memory: the runtime, the tokenizer, buffers while loading, and the page cache.
    private const long LeastShare = 256L << 20;
    private const int ShareOfTotal = 16;

    /// <summary>Gets the part of the free bytes that a model leaves alone unless a memory limit says otherwise.</summary>
    public long ReservedBytes { get; init; }

    /// <summary>The GPUs, then the CPU.</summary>
    public static IReadOnlyList<AvailableDevice> In(DeviceInventory inventory) =>
    [
        .. inventory.CudaDevices.Select(gpu => new AvailableDevice(DeviceId.Cuda(gpu.Index), gpu.Name, gpu.TotalBytes, gpu.FreeBytes)),
        new AvailableDevice(DeviceId.Cpu, "main memory", inventory.HostTotalBytes, inventory.HostFreeBytes)
        {
            ReservedBytes = Math.Min(inventory.HostFreeBytes, Math.Max(LeastShare, inventory.HostTotalBytes / ShareOfTotal)),
        },
    ];
}
