using GptOss.Net.Execution;
using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Engine;

/// <summary>Places the model and gives the cache what the devices have left: room for one full sequence at least.</summary>
internal sealed class CachePlanner(
    ModelConfig config, ModelWeights weights, ExecutorFactory executors, GptOssModelOptions options, int maxModelLength)
{
    private readonly KVCacheSizing _sizing =
        KVCacheSizing.For(config, executors.CacheElementBytes, options.MaxStepTokens);

    /// <exception cref="PlacementException">The model does not fit even with room for a single sequence.</exception>
    public (PlacementPlan Placement, KVCacheCapacity Capacity) Plan(DeviceInventory inventory)
    {
        var sequences = MostSequences(inventory);
        var placement = PlacementPlanner.Plan(Request(inventory, sequences));
        var capacity = new KVCacheCapacity(
            _sizing.PoolBlocks(AttentionKind.Full, sequences, maxModelLength),
            _sizing.PoolBlocks(AttentionKind.Sliding, options.MaxSequences, maxModelLength));
        return (placement, capacity);
    }

    /// <summary>For how many sequences of full length the devices have room, 1 to <see cref="GptOssModelOptions.MaxSequences"/>.</summary>
    private int MostSequences(DeviceInventory inventory)
    {
        var (most, tooMany) = (1, options.MaxSequences + 1);
        while (tooMany - most > 1)
        {
            var middle = (most + tooMany) / 2;
            (most, tooMany) = PlacementPlanner.Draft(Request(inventory, middle)).Fits ? (middle, tooMany) : (most, middle);
        }

        return most;
    }

    private PlacementRequest Request(DeviceInventory inventory, int fullSequences) => new()
    {
        Config = config,
        Weights = MemoryEstimate.Of(config, weights, executors.WeightFormats),
        PackedWeights = options.WeightStorage == WeightStorage.Expanded
            ? MemoryEstimate.Of(config, weights, executors.WeightFormats with { Quantized = WeightFormat.AsStored })
            : null,
        KV = new KVDemand(fullSequences, maxModelLength, (kind, sequences, tokens) =>
            _sizing.LayerBytes(kind, kind == AttentionKind.Sliding ? options.MaxSequences : sequences, tokens)),
        Workspace = executors.Workspace,
        Options = options.Placement,
        Available = AvailableDevice.In(inventory),
        Problems = inventory.Problems,
    };
}
