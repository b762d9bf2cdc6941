using System.Diagnostics.Metrics;
using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Placement;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine;

/// <summary>What the engine needs besides scheduler and executor.</summary>
/// <param name="MaxRequests">The most requests that run or wait; more are refused.</param>
/// <param name="TimeProvider">The clock of the deadlines.</param>
/// <param name="Logger">Where failures are logged.</param>
internal sealed record EngineOptions(int MaxRequests, TimeProvider TimeProvider, ILogger Logger)
{
    /// <summary>Gets what telemetry calls the model.</summary>
    public string ModelName { get; init; } = "";

    /// <summary>Gets where the meter comes from; <see langword="null"/>: it is the engine's own.</summary>
    public IMeterFactory? MeterFactory { get; init; }

    /// <summary>Gets the bytes of a block on each device.</summary>
    public IReadOnlyList<DeviceBlockBytes> DeviceBlocks { get; init; } = [];

    /// <summary>Gets what lies where, for the meter.</summary>
    public PlacementPlan? Placement { get; init; }

    /// <summary>Gets the bytes of weights in main memory that are mapped from a file.</summary>
    public long MappedWeightBytes { get; init; }

    /// <summary>
    /// Gets the memory that the model was promised, given back when the executor is freed; <see langword="null"/> where nobody counts it.
    /// </summary>
    public MemoryPromise? Promise { get; init; }
}
