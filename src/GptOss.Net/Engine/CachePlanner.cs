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
    private const int StepTokensStep = 16;

    private readonly CacheLimits _limits = new(options.MaxSequences, options.MaxStepTokens, maxModelLength);

    /// <exception cref="PlacementException">The model does not fit even with room for a single sequence.</exception>
    public (PlacementPlan Placement, KVCacheCapacity Capacity) Plan(DeviceInventory inventory)
    {
        var sequences = MostSequences(inventory);
        var placement = PlacementPlanner.Plan(Request(inventory, sequences, _limits));
        var sizing = Sizing(executors.Demand(executors.MainDevice, _limits.StepTokens), _limits);
        var capacity = new KVCacheCapacity(
            sizing.PoolBlocks(AttentionKind.Full, sequences, _limits.Length),
            sizing.PoolBlocks(AttentionKind.Sliding, _limits.Sequences, _limits.Length));
        return (placement, capacity);
    }

    /// <summary>For how many sequences of full length the devices have room, 1 to <see cref="GptOssModelOptions.MaxSequences"/>.</summary>
    private int MostSequences(DeviceInventory inventory)
    {
        var (most, tooMany) = (1, _limits.Sequences + 1);
        while (tooMany - most > 1)
        {
            var middle = (most + tooMany) / 2;
            var draft = PlacementPlanner.Draft(Request(inventory, middle, _limits));
            (most, tooMany) = draft.Fits && draft.Devices.All(LeavesHalf) ? (middle, tooMany) : (most, middle);
        }

        return most;
    }

    /// <summary>Main memory is not the model's alone: unless it was limited, the cache leaves as much as it takes.</summary>
    private bool LeavesHalf(DevicePlacement device) =>
        device.Device.IsCuda
        || options.Placement.MemoryLimits.ContainsKey(device.Device)
        || device.KVBytes <= (device.BudgetBytes - device.WeightBytes - device.WorkspaceBytes) / 2;

    private KVCacheSizing Sizing(ExecutorDemand demand, CacheLimits limits) =>
        KVCacheSizing.For(config, demand.CacheElementBytes, limits.StepTokens);

    private DeviceDemand Demand(ExecutorDemand demand, int fullSequences, CacheLimits limits)
    {
        var sizing = Sizing(demand, limits);
        var keysAndValues = new KVDemand(fullSequences, limits.Length, (kind, sequences, tokens) =>
            sizing.LayerBytes(kind, kind == AttentionKind.Sliding ? limits.Sequences : sequences, tokens));
        return new DeviceDemand(demand.Weights, keysAndValues, demand.Workspace);
    }

    private PlacementRequest Request(DeviceInventory inventory, int fullSequences, CacheLimits limits)
    {
        var main = executors.Demand(executors.MainDevice, limits.StepTokens);
        var (weights, keysAndValues, workspace) = Demand(main, fullSequences, limits);
        return new PlacementRequest
        {
            Config = config,
            Weights = weights,
            PackedWeights = main.PackedWeights,
            KV = keysAndValues,
            Workspace = workspace,
            LargestShare = main.LargestShare,
            OnCpu = Demand(executors.Demand(DeviceId.Cpu, limits.StepTokens), fullSequences, limits),
            Options = options.Placement,
            Available = AvailableDevice.In(inventory),
            Problems = inventory.Problems,
            Settings =
            [
                Setting(nameof(options.MaxModelLength), limits.Length, PagedKVCache.BlockSize, value => limits with { Length = value }),
                Setting(nameof(options.MaxSequences), limits.Sequences, 1, value => limits with { Sequences = value }),
                Setting(nameof(options.MaxStepTokens), limits.StepTokens, StepTokensStep, value => limits with { StepTokens = value }),
            ],
        };

        PlacementSetting Setting(string name, int value, int step, Func<int, CacheLimits> with) =>
            new(name, value, step, other => Request(inventory, 1, with(other)));
    }

    /// <summary>What the options say that the cache's size hangs on.</summary>
    private sealed record CacheLimits(int Sequences, int StepTokens, int Length);
}
