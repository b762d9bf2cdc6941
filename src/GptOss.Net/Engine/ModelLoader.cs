using System.Runtime.InteropServices;
using GptOss.Net.Checkpoint;
using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Execution;
using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Model.Adapters;
using GptOss.Net.Placement;
using GptOss.Net.Scheduling;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine;

/// <summary>From a path to a running engine: checkpoint, placement, weights, cache. The one place that sees all of them.</summary>
internal sealed class ModelLoader(
    GptOssModelOptions options, string name, MemoryLedger memory, IProgress<LoadProgress>? progress, CancellationToken cancellationToken)
{
    private const int DefaultMaxModelLength = 32_768;

    // What a reader of a stream hardly notices, and what a prompt of many tokens takes of a device that needs a millisecond for one or
    // less.
    private static readonly TimeSpan CpuStepTime = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan GpuStepTime = TimeSpan.FromMilliseconds(50);

    // Two channels of DDR5, in bytes a millisecond: what a user can compare with.
    private const double ExampleBandwidth = 50e6;

    private readonly ILogger _logger = options.LoggerFactory.CreateLogger(typeof(ModelLoader).FullName!);

    /// <summary>Places the model without reading its weights.</summary>
    /// <exception cref="PlacementException">It does not fit.</exception>
    public PlacementPlan Plan(string path)
    {
        using var checkpoint = CheckpointOpener.Open(path);
        using var adapters = new LoraAdapters(options.Adapters);
        var config = ModelConfigReader.Read(checkpoint);
        var (_, plan, promise) = Place(config, adapters.Merge(config, ModelWeightsReader.Read(config, checkpoint)));
        promise.Dispose();
        return plan.Placement;
    }

    /// <summary>Loads on the calling thread; takes as long as reading the weights takes.</summary>
    public LoadedModel Load(string path)
    {
        using var checkpoint = CheckpointOpener.Open(path);
        using var adapters = new LoraAdapters(options.Adapters);
        var config = ModelConfigReader.Read(checkpoint);
        if (InstructionSets.Unused() is { } unused)
        {
            _logger.UnusedInstructions(unused);
        }

        if (config.UnknownKeys.Count > 0)
        {
            _logger.UnknownKeys(checkpoint.ConfigPath, string.Join(", ", config.UnknownKeys));
        }

        var weights = adapters.Merge(config, ModelWeightsReader.Read(config, checkpoint));
        cancellationToken.ThrowIfCancellationRequested();

        var (executors, plan, promise) = Place(config, weights);
        IModelExecutor? executor = null;
        try
        {
            var repackCache = options.RepackCache
                ? new RepackCache(options.RepackCacheDirectory!, [.. checkpoint.Paths, .. adapters.Paths], _logger)
                : null;
            executor = Create(executors, weights, plan.Placement, plan.Capacity, repackCache);
            return Start(config, executors, plan.Placement, plan.Capacity, executor, promise);
        }
        catch
        {
            // Whatever comes after the weights can fail too: a meter factory, a logger, a thread.
            executor?.Dispose();
            promise.Dispose();
            throw;
        }
    }

    private (ExecutorFactory Executors, (PlacementPlan Placement, KVCacheCapacity Capacity) Plan, MemoryPromise Promise) Place(
        ModelConfig config, ModelWeights weights)
    {
        try
        {
            return Place(config, weights, options);
        }
        catch (PlacementException) when (MayShareWithCpu())
        {
            if (PlaceWithCpu(config, weights) is { } shared)
            {
                return shared;
            }

            throw;
        }
    }

    private (ExecutorFactory Executors, (PlacementPlan Placement, KVCacheCapacity Capacity) Plan, MemoryPromise Promise) Place(
        ModelConfig config, ModelWeights weights, GptOssModelOptions placed)
    {
        var executors = new ExecutorFactory(config, weights, placed, memory.TakeStock());
        var planner = new CachePlanner(config, executors, placed, MaxModelLength(config));
        var (plan, promise) = memory.Promise(planner.Plan, plan => plan.Placement);
        return (executors, plan, promise);
    }

    private bool MayShareWithCpu() =>
        options.Placement is { AllowCpu: true, Devices: null, LayerDevices: null } && memory.TakeStock().CudaDevices.Count > 0;

    /// <summary>
    /// As few layers on the CPU as have to be there, so that the rest fits the GPUs; nothing where that is not enough either.
    /// </summary>
    private (ExecutorFactory Executors, (PlacementPlan Placement, KVCacheCapacity Capacity) Plan, MemoryPromise Promise)? PlaceWithCpu(
        ModelConfig config, ModelWeights weights)
    {
        var gpus = memory.TakeStock().CudaDevices.Count;
        for (var layers = 1; layers <= config.LayerCount - gpus; layers++)
        {
            try
            {
                var placed = Place(config, weights, options with { Placement = options.Placement with { CpuLayers = layers } });
                var bytes = placed.Executors.BytesPerToken(layers);
                _logger.SharedWithCpu(layers, config.LayerCount, ByteSize.Format(bytes), bytes / ExampleBandwidth);
                return placed;
            }
            catch (PlacementException)
            {
                // One more.
            }
        }

        return null;
    }

    private IModelExecutor Create(
        ExecutorFactory executors, ModelWeights weights, PlacementPlan placement, KVCacheCapacity capacity, RepackCache? repackCache)
    {
        try
        {
            return executors.Create(placement, capacity, ReadProgress(weights), repackCache);
        }
        catch (Exception exception) when (IsOutOfMemory(exception))
        {
            throw new PlacementException(
                $"A device refused memory that was free when the model was placed. Free some, or allow the model less. "
                + $"The plan was:\n{placement.ToTable()}",
                exception);
        }
    }

    /// <summary>libtorch knows one kind of exception only, and tells a refused allocation by its text.</summary>
    internal static bool IsOutOfMemory(Exception exception) => exception is OutOfMemoryException or CudaException { IsOutOfMemory: true }
        || (exception is ExternalException
            && (exception.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase)
                || exception.Message.Contains("can't allocate memory", StringComparison.OrdinalIgnoreCase)));

    private LoadedModel Start(
        ModelConfig config, ExecutorFactory executors, PlacementPlan placement, KVCacheCapacity capacity, IModelExecutor executor,
        MemoryPromise promise)
    {
        placement = executor.PageLockedBytes > 0 ? placement : placement.WithoutPageLocked();
        LogConcurrency(placement);
        var scheduler = new Scheduler(
            new PagedKVCache(capacity, config.SlidingWindow, MostIdle(placement, capacity)),
            new SchedulerOptions(placement.MaxConcurrentSequences, options.MaxStepTokens)
            {
                MaxStepsInFlight = executor.MaxStepsInFlight,
                MaxStepsAhead = executor.MaxStepsAhead,
                MaxStepTime = options.MaxStepTime ?? (placement.Devices.Any(device => device.Device.IsCuda) ? GpuStepTime : CpuStepTime),
                CachesPrefixes = options.PrefixCaching,
            });
        var blocks = DeviceBlockBytes.Of(placement, config.LayerKinds, device => KVCacheSizing
            .For(config, executors.CacheElementBytes(device), options.MaxStepTokens).BytesPerBlock);
        var requests = (int)Math.Min(int.MaxValue, (long)placement.MaxConcurrentSequences + options.MaxWaitingRequests);
        var mapped = executor.MappedWeightBytes;
        var engine = new EngineOptions(requests, options.TimeProvider, options.LoggerFactory.CreateLogger(typeof(EngineLoop).FullName!))
        {
            ModelName = name,
            MeterFactory = options.MeterFactory,
            DeviceBlocks = blocks,
            Placement = placement,
            Promise = promise,
            MappedWeightBytes = mapped,
        };
        var loop = new EngineLoop(scheduler, executor, engine);
        var locked = executor.PageLockedBytes;
        promise.Take(device => Outstanding(device, placement, blocks, loop) + (device.IsCuda ? 0 : mapped - locked));
        return new LoadedModel(config, placement, capacity, placement.MaxModelLength, loop)
        {
            DeviceBlocks = blocks,
            MappedWeightBytes = mapped,
        };
    }

    /// <summary>
    /// In main memory a block costs nothing until it is used: so that a model that serves little stays small, a quarter of the cache, and
    /// room for one sequence at least, is kept for what it holds before new memory is taken. On a GPU all of it is taken anyway.
    /// </summary>
    private static KVCacheCapacity? MostIdle(PlacementPlan placement, KVCacheCapacity capacity)
    {
        var sequence = PagedKVCache.BlockCount(placement.MaxModelLength);
        return placement.Devices.Any(device => device.Device.IsCuda)
            ? null
            : new KVCacheCapacity(Math.Max(sequence, capacity.FullBlocks / 4), Math.Max(sequence, capacity.SlidingBlocks / 4));
    }

    /// <summary>
    /// Weights, and everything on a GPU, are taken when they are loaded; the cache in main memory is taken bit by bit. Mapped weights the
    /// system goes on calling free, since it could drop them.
    /// </summary>
    private static long Outstanding(DeviceId device, PlacementPlan placement, IReadOnlyList<DeviceBlockBytes> blocks, EngineLoop loop) =>
        placement.Devices.Where(part => part.Device == device && !device.IsCuda).Sum(part =>
            part.WorkspaceBytes + part.KVBytes
            - blocks.Where(block => block.Device == device).Sum(block => block.Resident(loop.Counters.CacheUsage)));

    private void LogConcurrency(PlacementPlan placement)
    {
        var (running, tokens) = (placement.MaxConcurrentSequences, placement.CacheTokens);
        if (options.MaxSequences is not null)
        {
            _logger.ConcurrentAsSet(running, tokens, tokens / running);
            return;
        }

        var each = Math.Max(1, placement.MaxModelLength / CachePlanner.ShareOfLength);
        _logger.Concurrent(running, tokens, each, CachePlanner.MostConcurrent);
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
        return new WeightReadProgress(total, (read, all) => progress?.Report(new LoadProgress(read, all)), cancellationToken)
        {
            Compiled = (done, all) => progress?.Report(new LoadProgress(done, all) { Stage = LoadStage.Compiling }),
        };
    }
}
