namespace GptOss.Net.Placement;

/// <summary>Finds the devices of this machine and what is free on them now.</summary>
internal delegate IReadOnlyList<AvailableDevice> DeviceInventory();
