namespace GptOss.Net.Placement;

/// <summary>The bytes that a step computes with, as the executor states them.</summary>
/// <param name="PerDevice">On every device: activations, partial results, library handles.</param>
/// <param name="Unembedding">In addition on the device of the output projection: logits.</param>
internal sealed record WorkspaceEstimate(long PerDevice, long Unembedding);
