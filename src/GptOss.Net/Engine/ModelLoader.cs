using GptOss.Net.Checkpoint;
using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Execution;
using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Scheduling;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine;

/// <summary>From a path to a running engine: checkpoint, placement, weights, cache. The one place that sees all of them.</summary>
internal sealed partial class ModelLoader(
    GptOssModelOptions options, string name, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
{
    private const int DefaultMaxModelLength = 32_768;

    private readonly ILogger _logger = options.LoggerFactory.CreateLogger(typeof(ModelLoader).FullName!);

    /// <summary>Loads on the calling thread; takes as long as reading the weights takes.</summary>
    public LoadedModel Load(string pathOrId)
    {
        using var checkpoint = SafetensorsCheckpoint.Open(CheckpointLocator.Locate(pathOrId, options.HuggingFaceCacheDirectory));
        var config = ModelConfigReader.Read(checkpoint.ConfigPath);
        if (config.UnknownKeys.Count > 0)
        {
            LogUnknownKeys(checkpoint.ConfigPath, string.Join(", ", config.UnknownKeys));
        }

        var weights = ModelWeightsReader.Read(config, checkpoint);
        cancellationToken.ThrowIfCancellationRequested();

        var inventory = DeviceInventory.Take();
        var executors = new ExecutorFactory(config, options, inventory);
        var maxLength = MaxModelLength(config);
        var (placement, capacity) = new CachePlanner(config, weights, executors, options, maxLength).Plan(inventory);
        var executor = executors.Create(weights, placement, capacity, ReadProgress(weights));

        var scheduler = new Scheduler(
            new PagedKVCache(capacity, config.SlidingWindow),
            new SchedulerOptions(options.MaxSequences, options.MaxStepTokens)
            {
                MaxStepsInFlight = executor.MaxStepsInFlight,
                CachesPrefixes = options.PrefixCaching,
            });
        var blockBytes = KVCacheSizing.For(config, executors.CacheElementBytes, options.MaxStepTokens).BytesPerBlock;
        var blocks = DeviceBlockBytes.Of(placement, config.LayerKinds, blockBytes);
        var engine = new EngineOptions(
            checked(options.MaxSequences + options.MaxWaitingRequests),
            options.TimeProvider,
            options.LoggerFactory.CreateLogger(typeof(EngineLoop).FullName!))
        {
            ModelName = name,
            MeterFactory = options.MeterFactory,
            DeviceBlocks = blocks,
        };
        var loop = new EngineLoop(scheduler, executor, engine);
        return new LoadedModel(config, placement, capacity, maxLength, loop) { DeviceBlocks = blocks };
    }

    private int MaxModelLength(ModelConfig config)
    {
        var wanted = options.MaxModelLength ?? Math.Min(DefaultMaxModelLength, config.MaxPositions);
        return wanted <= config.MaxPositions
            ? wanted
            : throw new ArgumentException(
                $"MaxModelLength is {wanted:N0}, but the model knows only {config.MaxPositions:N0} positions.", nameof(options));
    }

    private WeightReadProgress ReadProgress(ModelWeights weights)
    {
        var total = weights.ByteLength;
        progress?.Report(new LoadProgress(0, total));
        return new WeightReadProgress(total, (read, all) => progress?.Report(new LoadProgress(read, all)), cancellationToken);
    }

    [LoggerMessage(LogLevel.Warning, "{Path} has keys that are not known here and had no effect: {Keys}. Should they change the arithmetic, the logits are wrong.")]
    private partial void LogUnknownKeys(string path, string keys);
}
