namespace GptOss.Net.Placement;

/// <summary>A device of this machine and its memory.</summary>
/// <param name="Id">The device.</param>
/// <param name="Name">What the driver calls it.</param>
/// <param name="TotalBytes">Its memory.</param>
/// <param name="FreeBytes">The part that no process uses.</param>
internal sealed record AvailableDevice(DeviceId Id, string Name, long TotalBytes, long FreeBytes);
