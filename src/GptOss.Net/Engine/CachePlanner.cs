using GptOss.Net.Execution;
using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Engine;

/// <summary>Places the model and gives the cache what the devices have left: room for one full sequence at least.</summary>
internal sealed class CachePlanner(
    ModelConfig config, ExecutorFactory executors, GptOssModelOptions options, int maxModelLength)
{
    /// <summary>The most sequences that run at once where the options do not say: each has still a good part of a card's speed.</summary>
    public const int MostConcurrent = 64;

    /// <summary>Where the options do not say how many run at once, each has room for this part of the longest sequence.</summary>
    public const int ShareOfLength = 8;

    private const int StepTokensStep = 16;

    /// <exception cref="PlacementException">The model does not fit even with room for a single sequence.</exception>
    public (PlacementPlan Placement, KVCacheCapacity Capacity) Plan(DeviceInventory inventory)
    {
        var concurrent = options.MaxSequences ?? Most(MostConcurrent, sequences => HasRoom(inventory, FullSequences(sequences), sequences));
        var sizes = Sizes(concurrent);
        var sequences = Most(concurrent, full => HasRoom(inventory, full, concurrent));
        var placement = PlacementPlanner.Plan(Request(inventory, sequences, sizes));
        var sizing = Sizing(executors.Demand(executors.MainDevice, sizes), sizes);
        var capacity = new KVCacheCapacity(
            sizing.PoolBlocks(AttentionKind.Full, sequences, sizes.Length),
            sizing.PoolBlocks(AttentionKind.Sliding, sizes.Sequences, sizes.Length));
        return (placement, capacity);
    }

    /// <summary>The largest number from 1 to another one, both included, for which something holds; 1 if it holds for none.</summary>
    private static int Most(int largest, Predicate<int> holds)
    {
        var (most, tooMany) = (1, largest + 1);
        while (tooMany - most > 1)
        {
            var middle = (most + tooMany) / 2;
            (most, tooMany) = holds(middle) ? (middle, tooMany) : (most, middle);
        }

        return most;
    }

    private ExecutorSizes Sizes(int concurrent) => new(concurrent, options.MaxStepTokens, maxModelLength);

    /// <summary>Room for how many sequences of full length gives so many an eighth of it.</summary>
    private int FullSequences(int sequences)
    {
        var (share, full) =
            (PagedKVCache.BlockCount(Math.Max(1, maxModelLength / ShareOfLength)), PagedKVCache.BlockCount(maxModelLength));
        return ((sequences * share) + full - 1) / full;
    }

    /// <summary>Whether the devices have room for some sequences of full length when so many run at once.</summary>
    private bool HasRoom(DeviceInventory inventory, int fullSequences, int concurrent)
    {
        var draft = PlacementPlanner.Draft(Request(inventory, fullSequences, Sizes(concurrent)));
        return draft.Fits && (fullSequences == 1 || draft.Devices.All(LeavesHalf));
    }

    /// <summary>Main memory is not the model's alone: unless it was limited, the cache leaves as much as it takes.</summary>
    private bool LeavesHalf(DevicePlacement device) =>
        device.Device.IsCuda
        || options.Placement.MemoryLimits.ContainsKey(device.Device)
        || device.KVBytes <= (device.BudgetBytes - device.WeightBytes - device.WorkspaceBytes) / 2;

    private KVCacheSizing Sizing(ExecutorDemand demand, ExecutorSizes sizes) =>
        KVCacheSizing.For(config, demand.CacheElementBytes, sizes.StepTokens);

    private DeviceDemand Demand(ExecutorDemand demand, int fullSequences, ExecutorSizes sizes)
    {
        var sizing = Sizing(demand, sizes);
        var keysAndValues = new KVDemand(fullSequences, sizes.Length, (kind, sequences, tokens) =>
            sizing.LayerBytes(kind, kind == AttentionKind.Sliding ? sizes.Sequences : sequences, tokens));
        return new DeviceDemand(demand.Weights, keysAndValues, demand.Workspace);
    }

    private PlacementRequest Request(DeviceInventory inventory, int fullSequences, ExecutorSizes sizes)
    {
        var main = executors.Demand(executors.MainDevice, sizes);
        var (weights, keysAndValues, workspace) = Demand(main, fullSequences, sizes);
        return new PlacementRequest
        {
            Config = config,
            Weights = weights,
            PackedWeights = main.PackedWeights,
            KV = keysAndValues,
            Workspace = workspace,
            OnCpu = Demand(executors.Demand(DeviceId.Cpu, sizes), fullSequences, sizes),
            ConcurrentSequences = sizes.Sequences,
            Options = options.Placement,
            Available = AvailableDevice.In(inventory),
            Problems = inventory.Problems,
            Settings =
            [
                Setting(nameof(options.MaxModelLength), sizes.Length, PagedKVCache.BlockSize, value => sizes with { Length = value }),
                Setting(nameof(options.MaxSequences), sizes.Sequences, 1, value => sizes with { Sequences = value }),
                Setting(nameof(options.MaxStepTokens), sizes.StepTokens, StepTokensStep, value => sizes with { StepTokens = value }),
            ],
        };

        PlacementSetting Setting(string name, int value, int step, Func<int, ExecutorSizes> with) =>
            new(name, value, step, other => Request(inventory, 1, with(other)));
    }
}
