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

    /// <summary>Gets for how many sequences at once there are keys and values.</summary>
    public required int MaxSequences { get; init; }

    /// <summary>Gets for how many tokens of each sequence there are keys and values.</summary>
    public required int MaxModelLength { get; init; }

    internal bool Fits => Devices.All(device => device.Fits);

    /// <summary>A table of the devices: one row each, columns of fixed width.</summary>
    /// <returns>Lines that end in <c>\n</c>, the last one without.</returns>
    public string ToTable() => PlacementTable.Format(this);

    /// <inheritdoc cref="ToTable"/>
    public override string ToString() => ToTable();
}
