namespace GptOss.Net.Execution;

/// <summary>
/// What one device, or a group that shares each layer, has of the model: consecutive layers, and the ends that lie there.
/// </summary>
/// <param name="Devices">The device, or the devices of the group.</param>
/// <param name="FirstLayer">The first layer.</param>
/// <param name="LayerCount">How many layers; none where only an end of the model lies.</param>
/// <param name="Embeds">Whether it begins with the token embedding.</param>
/// <param name="Unembeds">Whether it ends with the final norm, the output projection and sampling.</param>
internal sealed record ModelPart(IReadOnlyList<DeviceId> Devices, int FirstLayer, int LayerCount, bool Embeds, bool Unembeds)
{
    /// <summary>Gets the device; of a group the first.</summary>
    public DeviceId Device => Devices[0];

    /// <summary>The parts of a placed model, in the order in which a step passes them: the first embeds, the last unembeds.</summary>
    public static IReadOnlyList<ModelPart> Of(PlacementPlan plan)
    {
        var parts = plan.Stages
            .Select(stage => new ModelPart(stage.Devices, stage.FirstLayer, stage.LayerCount, Embeds: false, Unembeds: false)).ToList();
        if (parts[0].Device != plan.EmbeddingDevice)
        {
            parts.Insert(0, new ModelPart([plan.EmbeddingDevice], 0, 0, Embeds: false, Unembeds: false));
        }

        if (parts[^1].Device != plan.UnembeddingDevice)
        {
            parts.Add(
                new ModelPart([plan.UnembeddingDevice], parts[^1].FirstLayer + parts[^1].LayerCount, 0, Embeds: false, Unembeds: false));
        }

        parts[0] = parts[0] with { Embeds = true };
        parts[^1] = parts[^1] with { Unembeds = true };
        return parts;
    }

    /// <summary>Consecutive parts of one device as one.</summary>
    public static ModelPart Joined(IReadOnlyList<ModelPart> parts) => parts[0] with
    {
        LayerCount = parts.Sum(part => part.LayerCount),
        Unembeds = parts[^1].Unembeds,
    };
}
