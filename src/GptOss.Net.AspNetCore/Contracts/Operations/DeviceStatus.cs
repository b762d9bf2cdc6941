namespace GptOss.Net.AspNetCore.Contracts.Operations;

/// <summary>The memory of a device, in bytes; total and free are 0 where its driver does not tell.</summary>
internal sealed record DeviceStatus(
    string Device, long TotalBytes, long WeightBytes, long KvBytes, long KvUsedBytes, long WorkspaceBytes, long FreeBytes);
