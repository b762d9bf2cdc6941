namespace GptOss.Net;

/// <summary>What one device holds of the model, and the memory that this takes. All sizes are in bytes.</summary>
public sealed class DevicePlacement
{
    internal DevicePlacement()
    {
    }

    /// <summary>Gets the device.</summary>
    public required DeviceId Device { get; init; }

    /// <summary>Gets the indices of the device's stages in <see cref="PlacementPlan.Stages"/>, ascending.</summary>
    public required IReadOnlyList<int> Stages { get; init; }

    /// <summary>Gets a value indicating whether the token embedding is here.</summary>
    public required bool HoldsEmbedding { get; init; }

    /// <summary>Gets a value indicating whether the final norm and the output projection are here.</summary>
    public required bool HoldsUnembedding { get; init; }

    /// <summary>Gets the bytes of the weights.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Gets the bytes of the keys and values, for all sequences at their full length.</summary>
    public required long KVBytes { get; init; }

    /// <summary>
    /// Gets the bytes of everything that a step computes on the device. Of main memory that has nothing of the model: page-locked, through
    /// which GPUs that share every layer speak where they do not reach each other.
    /// </summary>
    public required long WorkspaceBytes { get; init; }

    /// <summary>
    /// Gets what the model may use: the limit of the options, or else the free bytes, less a share for the process in main memory.
    /// </summary>
    public required long BudgetBytes { get; init; }

    /// <summary>Gets what was free on the device when the plan was made.</summary>
    public required long FreeBytes { get; init; }

    /// <summary>Gets the sum of weights, keys and values, and workspace.</summary>
    public long TotalBytes => WeightBytes + KVBytes + WorkspaceBytes;

    internal bool IsPageLocked => !Device.IsCuda && Stages.Count == 0 && !HoldsEmbedding && !HoldsUnembedding;

    internal bool Fits => TotalBytes <= BudgetBytes;
}
