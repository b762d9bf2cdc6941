namespace GptOss.Net.Interop;

/// <summary>The NVIDIA devices and the main memory of this machine, now.</summary>
/// <param name="CudaDevices">Devices that can be used; empty without an NVIDIA driver.</param>
/// <param name="Problems">Why there are none, or why a device was left out; for the log and for error messages.</param>
/// <param name="HostTotalBytes">Main memory that this process may use: the machine's, or its container's limit.</param>
/// <param name="HostFreeBytes">Main memory that can be had without swapping.</param>
internal sealed record DeviceInventory(
    IReadOnlyList<CudaDevice> CudaDevices,
    IReadOnlyList<string> Problems,
    long HostTotalBytes,
    long HostFreeBytes)
{
    /// <summary>A machine that is only described: the free bytes of its devices, the CPU's being its main memory.</summary>
    internal static DeviceInventory Of(IReadOnlyDictionary<DeviceId, long> memory)
    {
        var host = memory.GetValueOrDefault(DeviceId.Cpu);
        return new DeviceInventory(
            [
                .. memory.Where(device => device.Key.IsCuda).OrderBy(device => device.Key.Index).Select(device =>
                    new CudaDevice(device.Key.Index, "described", Guid.Empty, new Version(9, 0), device.Value, device.Value)),
            ],
            [],
            host,
            host);
    }

    /// <summary>Takes stock; never throws for a missing or failing device.</summary>
    internal static DeviceInventory Take()
    {
        var (total, free) = HostMemory.Measure();
        if (!CudaDriver.TryOpen(out var driver, out var reason))
        {
            return new DeviceInventory([], [$"No CUDA devices: {reason}."], total, free);
        }

        List<CudaDevice> devices = [];
        List<string> problems = [];
        for (var index = 0; index < driver.DeviceCount; index++)
        {
            try
            {
                devices.Add(driver.Describe(index));
            }
            catch (NativeLibraryException exception)
            {
                problems.Add($"CUDA device {index} is left out: {exception.Message}.");
            }
        }

        if (driver.DeviceCount == 0)
        {
            problems.Add("No CUDA devices: the NVIDIA driver lists none.");
        }

        return new DeviceInventory(devices, problems, total, free);
    }
}
