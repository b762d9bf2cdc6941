using GptOss.Net.Model;

namespace GptOss.Net.Placement;

/// <summary>All that the <see cref="PlacementPlanner"/> decides from.</summary>
internal sealed record PlacementRequest
{
    public required ModelConfig Config { get; init; }

    public required MemoryEstimate Weights { get; init; }

    /// <summary>Gets what the weights would take as stored in the checkpoint, where <see cref="Weights"/> expands them.</summary>
    public MemoryEstimate? PackedWeights { get; init; }

    public required KVDemand KV { get; init; }

    public required WorkspaceEstimate Workspace { get; init; }

    /// <summary>Gets what parts take on the CPU, where others compute them than on the GPUs; by default the same.</summary>
    public DeviceDemand? OnCpu { get; init; }

    public required PlacementOptions Options { get; init; }

    /// <summary>Gets how many sequences run at once.</summary>
    public int ConcurrentSequences { get; init; } = 1;

    /// <summary>Gets the devices of this machine.</summary>
    public required IReadOnlyList<AvailableDevice> Available { get; init; }

    /// <summary>Gets a value indicating whether main memory is known: of a machine that is described it may be left out.</summary>
    public bool KnowsMainMemory => Available.Any(device => device.Id == DeviceId.Cpu && device.TotalBytes > 0);

    /// <summary>Gets why GPUs are missing from <see cref="Available"/>, for error messages.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>Gets the settings with which less would be needed, for error messages; the first is the length of a sequence.</summary>
    public IReadOnlyList<PlacementSetting> Settings { get; init; } = [];

    /// <summary>What the parts of the model take on a device.</summary>
    public DeviceDemand DemandOn(DeviceId id) => OnCpu is { } onCpu && !id.IsCuda ? onCpu : new DeviceDemand(Weights, KV, Workspace);

    /// <summary>The device of that name.</summary>
    /// <exception cref="PlacementException">This machine has no such device.</exception>
    public AvailableDevice Find(DeviceId id)
    {
        if (Available.FirstOrDefault(device => device.Id == id) is { } found)
        {
            return found;
        }

        string devices = string.Join(", ", Available.Select(device => $"{device.Id} ({device.Name})"));
        throw new PlacementException(
            string.Join(' ', Problems.Prepend($"There is no device {id}. This machine has {devices}.")));
    }

    /// <summary>What the model may use of a device.</summary>
    public long Budget(DeviceId id)
    {
        AvailableDevice device = Find(id);
        return Options.MemoryLimits.TryGetValue(id, out long limit)
            ? Math.Min(limit, device.FreeBytes)
            : device.FreeBytes - device.ReservedBytes;
    }
}
