namespace GptOss.Net.Placement;

/// <summary>The bytes that a step computes with, as the executor states them.</summary>
/// <param name="PerDevice">On every device, however many stages it has.</param>
/// <param name="Unembedding">In addition on the device of the output projection: logits.</param>
internal sealed record WorkspaceEstimate(long PerDevice, long Unembedding)
{
    /// <summary>Gets what the device that samples needs in addition.</summary>
    public long Sampling { get; init; }

    /// <summary>
    /// Gets the page-locked main memory of all devices together through which those that share every layer speak, at most: where they
    /// reach each other none is taken.
    /// </summary>
    public long PageLocked { get; init; }

    /// <summary>Gets what each stage needs in addition: stages compute at the same time, also those that share a device.</summary>
    public long PerStage { get; init; }

    /// <summary>On a device that has so many stages, without logits. One that has only an end of the model counts as a stage.</summary>
    public long Bytes(int stages) => PerDevice + (PerStage * Math.Max(1, stages));
}
