namespace GptOss.Net.Placement;

/// <summary>The memory that a <see cref="MemoryLedger"/> keeps for one model, until it is disposed. Any thread.</summary>
internal sealed class MemoryPromise : IDisposable
{
    private readonly Action<MemoryPromise> _forget;
    private volatile Func<DeviceId, long> _outstanding;

    /// <param name="plan">All of it is promised.</param>
    /// <param name="forget">Called when nothing more will be taken.</param>
    public MemoryPromise(PlacementPlan plan, Action<MemoryPromise> forget)
    {
        _forget = forget;
        _outstanding = device => plan.Devices.Where(part => part.Device == device).Sum(part => part.TotalBytes);
    }

    /// <summary>What was promised of a device and is not taken yet.</summary>
    public long Outstanding(DeviceId device) => _outstanding(device);

    /// <summary>The model is loaded: from now on it asks only for what <paramref name="outstanding"/> says of a device.</summary>
    public void Take(Func<DeviceId, long> outstanding) => _outstanding = outstanding;

    public void Dispose() => _forget(this);
}
