using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Engine.Telemetry;

/// <summary>The bytes of a block of the cache on one device, in all its layers of a kind together.</summary>
/// <param name="Device">The device.</param>
/// <param name="Full">Of a block of the full layers.</param>
/// <param name="Sliding">Of a block of the sliding layers.</param>
internal sealed record DeviceBlockBytes(DeviceId Device, long Full, long Sliding)
{
    /// <param name="placement">What lies where.</param>
    /// <param name="kinds">The kind of each layer.</param>
    /// <param name="bytesPerBlock">Bytes of a block in one layer on a device.</param>
    public static IReadOnlyList<DeviceBlockBytes> Of(
        PlacementPlan placement, IReadOnlyList<AttentionKind> kinds, Func<DeviceId, long> bytesPerBlock)
    {
        return [.. placement.Devices.Select(device => new DeviceBlockBytes(
            device.Device,
            bytesPerBlock(device.Device) * Layers(device.Device, AttentionKind.Full) / Sharers(device.Device),
            bytesPerBlock(device.Device) * Layers(device.Device, AttentionKind.Sliding) / Sharers(device.Device)))];

        int Layers(DeviceId device, AttentionKind kind) => placement.Stages
            .Where(stage => stage.Devices.Contains(device))
            .Sum(stage => kinds.Skip(stage.FirstLayer).Take(stage.LayerCount).Count(layer => layer == kind));

        int Sharers(DeviceId device) =>
            placement.Stages.Where(stage => stage.Devices.Contains(device)).Select(stage => stage.Devices.Count).FirstOrDefault(1);
    }

    /// <summary>What lies in memory: on a GPU all of it, in main memory only what was ever used.</summary>
    public long Resident(KVCacheUsage usage) => Device.IsCuda
        ? (usage.FullBlockCount * Full) + (usage.SlidingBlockCount * Sliding)
        : (usage.FullBlocksTouched * Full) + (usage.SlidingBlocksTouched * Sliding);

    public long Used(KVCacheUsage usage) => (usage.FullBlocksUsed * Full) + (usage.SlidingBlocksUsed * Sliding);
}
