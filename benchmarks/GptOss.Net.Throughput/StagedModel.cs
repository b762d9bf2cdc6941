using GptOss.Net.Checkpoint;
using GptOss.Net.Engine;
using GptOss.Net.Execution;
using GptOss.Net.Harmony;
using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Scheduling;
using Microsoft.Extensions.Logging.Abstractions;

namespace GptOss.Net.Throughput;

/// <summary>A model that is loaded once and served by one engine after the other, each with another number of steps in flight.</summary>
internal sealed class StagedModel(
    ModelConfig config, PlacementPlan placement, KVCacheCapacity capacity, IModelExecutor executor, GptOssModelOptions options)
        : IDisposable
{
    public static StagedModel Load(string directory, GptOssModelOptions options)
    {
        using var checkpoint = SafetensorsCheckpoint.Open(directory);
        var config = ModelConfigReader.Read(checkpoint.ConfigPath);
        var weights = ModelWeightsReader.Read(config, checkpoint);
        var inventory = DeviceInventory.Take();
        var executors = new ExecutorFactory(config, weights, options, inventory);
        var (placement, capacity) = new CachePlanner(config, executors, options, options.MaxModelLength!.Value).Plan(inventory);
        var executor = executors.Create(placement, capacity, new WeightReadProgress(0, (_, _) => { }, CancellationToken.None));
        return new StagedModel(config, placement, capacity, executor, options);
    }

    /// <summary>Starts an engine; dispose it before the next one is started.</summary>
    public GptOssModel Start(int maxStepsInFlight)
    {
        var scheduler = new Scheduler(
            new PagedKVCache(capacity, config.SlidingWindow),
            new SchedulerOptions(placement.MaxConcurrentSequences, options.MaxStepTokens) { MaxStepsInFlight = maxStepsInFlight });
        var requests = placement.MaxConcurrentSequences + options.MaxWaitingRequests;
        var engine = new EngineOptions(requests, options.TimeProvider, NullLogger.Instance);
        var loop = new EngineLoop(scheduler, new BorrowedExecutor(executor, maxStepsInFlight), engine);
        var model = new LoadedModel(config, placement, capacity, options.MaxModelLength!.Value, loop);
        return new GptOssModel(model, HarmonyTokenizer.Create(), options, "model");
    }

    public void Dispose() => executor.Dispose();
}
