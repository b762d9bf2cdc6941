using GptOss.Net.Interop;

namespace GptOss.Net.Placement;

/// <summary>
/// Whom memory was promised to. As long as a model has not taken what its plan gives it, the system still calls it free: others must
/// not be promised the same bytes. Any thread.
/// </summary>
/// <param name="inventory">Takes stock of the devices.</param>
internal sealed class MemoryLedger(Func<DeviceInventory> inventory)
{
    private readonly Lock _lock = new();
    private readonly List<MemoryPromise> _promises = [];

    /// <summary>Gets the one for all models of this process, whose memory is one too.</summary>
    public static MemoryLedger OfProcess { get; } = new(DeviceInventory.Take);

    /// <summary>The devices as they are now, promises not counted.</summary>
    public DeviceInventory TakeStock() => inventory();

    /// <summary>Plans with what is free and not promised, and promises what the plan asks for; one plan at a time.</summary>
    /// <param name="plan">From the devices to a result with a plan.</param>
    /// <param name="placement">The plan of a result.</param>
    /// <typeparam name="T">The result.</typeparam>
    public (T Result, MemoryPromise Promise) Promise<T>(Func<DeviceInventory, T> plan, Func<T, PlacementPlan> placement)
    {
        lock (_lock)
        {
            var devices = inventory();
            var result = plan(devices with
            {
                CudaDevices =
                    [.. devices.CudaDevices.Select(gpu => gpu with { FreeBytes = Free(DeviceId.Cuda(gpu.Index), gpu.FreeBytes) })],
                HostFreeBytes = Free(DeviceId.Cpu, devices.HostFreeBytes),
            });
            var promise = new MemoryPromise(placement(result), Forget);
            _promises.Add(promise);
            return (result, promise);
        }
    }

    /// <summary>What all models were promised of a device and have not taken.</summary>
    public long Outstanding(DeviceId device)
    {
        lock (_lock)
        {
            return _promises.Sum(promise => promise.Outstanding(device));
        }
    }

    private long Free(DeviceId device, long bytes) => Math.Max(0, bytes - _promises.Sum(promise => promise.Outstanding(device)));

    private void Forget(MemoryPromise promise)
    {
        lock (_lock)
        {
            _promises.Remove(promise);
        }
    }
}
