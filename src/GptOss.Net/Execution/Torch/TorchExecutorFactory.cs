using GptOss.Net.Checkpoint;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>Builds a <see cref="TorchExecutor"/>: reads every stage's weights and allocates its part of the cache.</summary>
internal sealed class TorchExecutorFactory(
    ModelConfig config,
    ModelWeights weights,
    KVCacheCapacity capacity,
    ScalarType type,
    bool expandsQuantized,
    WeightReadProgress progress)
{
    private readonly Dictionary<DeviceId, TorchWeightLoader> _loaders = [];

    /// <summary>Loads the model as placed. When that fails or is cancelled, nothing stays allocated.</summary>
    public TorchExecutor Create(PlacementPlan placement)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var embedding = Loader(placement.EmbeddingDevice).Dense(weights.Embedding);
        var stages = placement.Stages.Select(CreateStage).ToArray();
        var unembedding = CreateUnembedding(placement, embedding);

        // Until here the scope owns every tensor, so that an exception frees them; from now on the executor does.
        scope.Detach(scope.DisposablesView.ToArray());
        return new TorchExecutor(
            config, new TorchEmbedding(Loader(placement.EmbeddingDevice).Device, embedding), stages, unembedding, _loaders.Values);
    }

    private TorchWeightLoader Loader(DeviceId id)
    {
        if (!_loaders.TryGetValue(id, out var loader))
        {
            loader = new TorchWeightLoader(device(id.ToString()), type, expandsQuantized, progress);
            _loaders.Add(id, loader);
        }

        return loader;
    }

    private TorchStage CreateStage(StagePlacement stage)
    {
        var loader = Loader(stage.Device);
        return new TorchStage(
            loader.Device,
            [.. Enumerable.Range(stage.FirstLayer, stage.LayerCount).Select(index => CreateLayer(index, loader))]);
    }

    private TorchUnembedding CreateUnembedding(PlacementPlan placement, TorchDenseMatrix embedding)
    {
        var loader = Loader(placement.UnembeddingDevice);
        var shares = weights.IsTied && placement.UnembeddingDevice == placement.EmbeddingDevice;
        return new TorchUnembedding(
            loader.Device, Norm(weights.FinalNorm, loader), shares ? embedding : loader.Dense(weights.Unembedding));
    }

    private TorchLayer CreateLayer(int index, TorchWeightLoader loader)
    {
        var layer = weights.Layers[index];
        return new TorchLayer(
            Norm(layer.AttentionNorm, loader),
            CreateAttention(layer, config.LayerKinds[index], loader),
            Norm(layer.MlpNorm, loader),
            CreateExperts(layer, loader));
    }

    private TorchAttention CreateAttention(LayerWeights layer, AttentionKind kind, TorchWeightLoader loader)
    {
        var blocks = kind == AttentionKind.Full ? capacity.FullBlocks : capacity.SlidingBlocks;
        return new TorchAttention(
            config,
            kind,
            loader.Linear(layer.Query),
            loader.Linear(layer.Key),
            loader.Linear(layer.Value),
            loader.Linear(layer.Output),
            loader.Values(layer.Sinks, ScalarType.Float32),
            new TorchKVStorage(blocks, config.KVHeadCount, config.HeadDim, type, loader.Device));
    }

    private TorchExperts CreateExperts(LayerWeights layer, TorchWeightLoader loader) =>
        new(config, loader.Linear(layer.Router, ScalarType.Float32), [.. layer.Experts.Select(expert => CreateExpert(expert, loader))]);

    private TorchExpert CreateExpert(ExpertSource expert, TorchWeightLoader loader) =>
        new(
            expert.GateUp is { } gateUp ? loader.Linear(gateUp) : null,
            expert.Gate is { } gate ? loader.Linear(gate) : null,
            expert.Up is { } up ? loader.Linear(up) : null,
            loader.Linear(expert.Down),
            config.SwiGluLimit);

    private TorchRmsNorm Norm(CheckpointTensor scale, TorchWeightLoader loader) =>
        new(loader.Values(scale, ScalarType.Float32), config.RmsNormEpsilon);
}
