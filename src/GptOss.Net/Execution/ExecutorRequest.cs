using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Execution;

/// <summary>All that an executor is made of.</summary>
/// <param name="Config">The architecture.</param>
/// <param name="Weights">Where the weights lie in the checkpoint.</param>
/// <param name="Options">Precision, threads, where libtorch is.</param>
/// <param name="Placement">What lies where.</param>
/// <param name="Capacity">The blocks of the cache, the same in every layer of a kind.</param>
/// <param name="Progress">Told of what was read; it stops the reading when loading is cancelled.</param>
internal sealed record ExecutorRequest(
    ModelConfig Config, ModelWeights Weights, GptOssModelOptions Options, PlacementPlan Placement, KVCacheCapacity Capacity,
    WeightReadProgress Progress)
{
    /// <summary>Gets where weights are kept as they lie in main memory; <see langword="null"/> where none are.</summary>
    public RepackCache? RepackCache { get; init; }

    /// <summary>Gets what of the model the executor computes, consecutive parts; by default all of them.</summary>
    public IReadOnlyList<ModelPart> Parts { get; init; } = ModelPart.Of(Placement);
}
