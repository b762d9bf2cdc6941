using GptOss.Net.Engine.Telemetry;
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
    ModelConfig Config, PlacementPlan Placement, KVCacheCapacity Capacity, int MaxModelLength, EngineLoop Loop) : IAsyncDisposable
{
    /// <summary>Gets the bytes of a block of the cache on each device.</summary>
    public IReadOnlyList<DeviceBlockBytes> DeviceBlocks { get; init; } = [];

    /// <summary>Gets the bytes of weights in main memory that are mapped from a file.</summary>
    public long MappedWeightBytes { get; init; }

    /// <summary>Stops the engine, which frees the executor; then nothing is promised any more.</summary>
    public ValueTask DisposeAsync() => Loop.DisposeAsync();
}
