using GptOss.Net.Placement;

namespace GptOss.Net;

/// <summary>Which part of the model lies on which device, and the memory that this takes. Immutable.</summary>
public sealed class PlacementPlan
{
    internal PlacementPlan()
    {
    }

    /// <summary>Gets the stages in the order of their layers; every layer is in exactly one.</summary>
    public required IReadOnlyList<StagePlacement> Stages { get; init; }

    /// <summary>Gets the devices, each once, in the order in which a step reaches them.</summary>
    public required IReadOnlyList<DevicePlacement> Devices { get; init; }

    /// <summary>Gets the device of the token embedding.</summary>
    public required DeviceId EmbeddingDevice { get; init; }

    /// <summary>Gets the device of the final norm and the output projection.</summary>
    public required DeviceId UnembeddingDevice { get; init; }

    /// <summary>
    /// Gets how many sequences are generated at once; more wait. Each of several answers to one prompt counts.
    /// <see cref="GptOssModelOptions.MaxSequences"/>, or where it is not set as many as have room in the cache for an eighth of
    /// <see cref="MaxModelLength"/> each, at most 64.
    /// </summary>
    public required int MaxConcurrentSequences { get; init; }

    /// <summary>Gets for how many sequences of full length there are keys and values.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>Gets for how many tokens of each sequence there are keys and values.</summary>
    public required int MaxModelLength { get; init; }

    /// <summary>Gets how many tokens of all sequences together the cache has room for.</summary>
    public long CacheTokens => (long)MaxSequences * MaxModelLength;

    /// <summary>
    /// How many sequences, prompt and answer together of so many tokens, the cache has room for at once: what it is worth to send at the
    /// same time. More wait for their turn; each of several answers to one prompt counts. <see cref="MaxConcurrentSequences"/> limits it
    /// too.
    /// </summary>
    /// <param name="tokens">The tokens of a sequence, 1 to <see cref="MaxModelLength"/>.</param>
    /// <returns>At least 1.</returns>
    public int SequencesOf(int tokens)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(tokens);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(tokens, MaxModelLength);
        var blocks = MaxSequences * (long)KVCache.PagedKVCache.BlockCount(MaxModelLength);
        return (int)Math.Min(int.MaxValue, Math.Max(1, blocks / KVCache.PagedKVCache.BlockCount(tokens)));
    }

    /// <summary>The plan of GPUs that turned out to reach each other.</summary>
    internal PlacementPlan WithoutPageLocked() => new()
    {
        Stages = Stages,
        Devices = [.. Devices.Where(device => !device.IsPageLocked)],
        EmbeddingDevice = EmbeddingDevice,
        UnembeddingDevice = UnembeddingDevice,
        MaxConcurrentSequences = MaxConcurrentSequences,
        MaxSequences = MaxSequences,
        MaxModelLength = MaxModelLength,
    };

    internal bool Fits => Devices.All(device => device.Fits);

    /// <summary>A table of the devices: one row each, columns of fixed width.</summary>
    /// <returns>Lines that end in <c>\n</c>, the last one without.</returns>
    public string ToTable() => PlacementTable.Format(this);

    /// <inheritdoc cref="ToTable"/>
    public override string ToString() => ToTable();
}
