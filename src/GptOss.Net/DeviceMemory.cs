namespace GptOss.Net;

/// <summary>The memory of one device that a loaded model uses. All sizes are in bytes.</summary>
public sealed record DeviceMemory
{
    internal DeviceMemory()
    {
    }

    /// <summary>Gets the device.</summary>
    public required DeviceId Device { get; init; }

    /// <summary>Gets what the weights take.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>
    /// Gets what of <see cref="WeightBytes"/> is mapped from a file of <see cref="GptOssModelOptions.RepackCache"/>: pages of the system's
    /// file cache, which other processes share and which <see cref="FreeBytes"/> counts as free, as the system could drop them; it would
    /// have to read them again.
    /// </summary>
    public long MappedWeightBytes { get; init; }

    /// <summary>
    /// Gets what the cache of keys and values takes at most. On a GPU it is taken when the model is loaded, in main memory bit by bit;
    /// no other model of this process is promised it.
    /// </summary>
    public required long KVBytes { get; init; }

    /// <summary>
    /// Gets what of <see cref="KVBytes"/> is taken now: what was ever used stays taken, for what it holds may be used again.
    /// </summary>
    public required long KVBytesResident { get; init; }

    /// <summary>Gets what requests use of the cache now.</summary>
    public required long KVBytesUsed { get; init; }

    /// <summary>Gets what a step computes with at most.</summary>
    public required long WorkspaceBytes { get; init; }

    /// <summary>Gets what the device has in all; 0 where its driver does not tell.</summary>
    public required long TotalBytes { get; init; }

    /// <summary>Gets what nobody uses on the device now; 0 where its driver does not tell.</summary>
    public required long FreeBytes { get; init; }

    /// <summary>
    /// Gets what is taken besides: by other processes, by other models and libraries of this one, and by the driver. 0 where the driver
    /// does not tell.
    /// </summary>
    public long OtherBytes => Math.Max(
        0, TotalBytes - FreeBytes - (WeightBytes - MappedWeightBytes) - KVBytesResident - (HasWorkspace ? WorkspaceBytes : 0));

    /// <summary>Gets a value indicating whether the workspace is taken when the model is loaded; else bit by bit.</summary>
    internal bool HasWorkspace { get; init; }
}
