using GptOss.Net.Placement;

namespace GptOss.Net.Execution;

/// <summary>What a backend takes of a device.</summary>
/// <param name="Weights">The bytes of each part of the model.</param>
/// <param name="CacheElementBytes">The bytes of a value in the cache.</param>
/// <param name="Workspace">What steps compute with.</param>
internal sealed record ExecutorDemand(MemoryEstimate Weights, int CacheElementBytes, WorkspaceEstimate Workspace)
{
    /// <summary>Gets the same without expanding anything, where <see cref="Weights"/> expands; <see langword="null"/> elsewhere.</summary>
    public MemoryEstimate? PackedWeights { get; init; }
}
