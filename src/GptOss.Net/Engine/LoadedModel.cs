using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Engine;

/// <summary>What loading yields.</summary>
/// <param name="Config">The architecture.</param>
/// <param name="Placement">What lies where.</param>
/// <param name="Capacity">The blocks of the cache.</param>
/// <param name="MaxModelLength">The most tokens of one sequence.</param>
/// <param name="Loop">The running engine.</param>
internal sealed record LoadedModel(
    ModelConfig Config, PlacementPlan Placement, KVCacheCapacity Capacity, int MaxModelLength, EngineLoop Loop);
