namespace GptOss.Net.Placement;

/// <summary>What the parts of the model take where they lie.</summary>
/// <param name="Weights">The bytes of each part.</param>
/// <param name="KV">The bytes of keys and values.</param>
/// <param name="Workspace">What steps compute with.</param>
internal sealed record DeviceDemand(MemoryEstimate Weights, KVDemand KV, WorkspaceEstimate Workspace);
