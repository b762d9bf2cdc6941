namespace GptOss.Net;

/// <summary>Which devices hold the model. By default it is spread over all GPUs, or lies on the CPU if there is none.</summary>
public sealed record PlacementOptions
{
    /// <summary>
    /// Gets the devices to spread the layers over, in this order; all of them are used. A device named twice gets two parts.
    /// The default, <see langword="null"/>, is all GPUs, or the CPU where there is no GPU.
    /// </summary>
    public IReadOnlyList<DeviceId>? Devices { get; init; }

    /// <summary>
    /// Gets how many bytes the model may use of a device, so that it can be shared. The default is all that is free,
    /// of main memory less a sixteenth of the whole (256 MiB at least) for the rest of the process and the page cache; and for the keys
    /// and values of more than one sequence at most half of what the weights leave there.
    /// </summary>
    public IReadOnlyDictionary<DeviceId, long> MemoryLimits { get; init; } = new Dictionary<DeviceId, long>();

    /// <summary>
    /// Gets each layer's device, to place the model by hand; one entry for each layer. The default, <see langword="null"/>,
    /// lets the layers be balanced over <see cref="Devices"/>. Not to be combined with <see cref="Devices"/>.
    /// </summary>
    public IReadOnlyList<DeviceId>? LayerDevices { get; init; }

    /// <summary>Gets the device of the token embedding; only with <see cref="LayerDevices"/>. Default: the first layer's.</summary>
    public DeviceId? EmbeddingDevice { get; init; }

    /// <summary>Gets the device of the output projection; only with <see cref="LayerDevices"/>. Default: the last layer's.</summary>
    public DeviceId? UnembeddingDevice { get; init; }

    /// <summary>
    /// Gets how many GPUs share every layer (tensor parallel): each has some of the rows of every matrix and some of the heads' keys and
    /// values, so that one sequence is decoded faster than on one GPU, with the same bits. Default 1: layers lie one after the other on
    /// <see cref="Devices"/>. 2: on these two GPUs, or the first two; not to be combined with <see cref="LayerDevices"/>. 4, for a model
    /// whose KV heads four can share: the same bits, tried on emulated cards only, and without the kernels that make a sequence fast on
    /// two.
    /// </summary>
    public int TensorParallel { get; init; } = 1;

    /// <summary>
    /// Gets a value indicating whether layers may lie on the CPU that the GPUs have no room for, when neither <see cref="Devices"/> nor
    /// <see cref="LayerDevices"/> are set. Default <see langword="true"/>: as few of the first layers as have to, with the embedding; a
    /// warning in the log says how many and what that costs. <see langword="false"/>: then the model is refused.
    /// </summary>
    public bool AllowCpu { get; init; } = true;

    /// <summary>Gets how many of the first layers lie on the CPU, with the embedding; the rest is balanced over the devices.</summary>
    internal int CpuLayers { get; init; }
}
