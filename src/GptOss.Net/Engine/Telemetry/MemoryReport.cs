using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Placement;

namespace GptOss.Net.Engine.Telemetry;

/// <summary>What a model's devices hold.</summary>
internal static class MemoryReport
{
    public static IReadOnlyList<DeviceMemory> Create(
        PlacementPlan placement,
        IReadOnlyList<DeviceBlockBytes> blocks,
        KVCacheUsage usage,
        DeviceInventory inventory,
        long mappedWeightBytes = 0)
    {
        var present = AvailableDevice.In(inventory).ToDictionary(device => device.Id);
        return
        [
            .. placement.Devices.Select(device => new DeviceMemory
            {
                Device = device.Device,
                WeightBytes = device.WeightBytes,
                MappedWeightBytes = device.Device.IsCuda ? 0 : mappedWeightBytes,
                KVBytes = device.KVBytes,
                KVBytesUsed = blocks.FirstOrDefault(block => block.Device == device.Device)?.Used(usage) ?? 0,
                KVBytesResident = blocks.FirstOrDefault(block => block.Device == device.Device)?.Resident(usage) ?? 0,
                WorkspaceBytes = device.WorkspaceBytes,
                HasWorkspace = device.Device.IsCuda || device.IsPageLocked,
                TotalBytes = present.GetValueOrDefault(device.Device)?.TotalBytes ?? 0,
                FreeBytes = present.GetValueOrDefault(device.Device)?.FreeBytes ?? 0,
            }),
        ];
    }
}
