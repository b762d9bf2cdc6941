namespace GptOss.Net.Placement;

/// <summary>What a stage would put on its device, when the devices hold one stage each in the given order.</summary>
internal sealed class StageLoads
{
    // The bytes of layers 0 … i - 1, weights and keys and values.
    private readonly long[] _layersBefore;
    private readonly long _embedding;
    private readonly long _unembedding;

    // What a device's budget leaves for it, and a stage's share of that where the device has several stages.
    private readonly long[] _limits;
    private readonly double[] _capacities;

    public StageLoads(PlacementRequest request, IReadOnlyList<DeviceId> devices)
    {
        MemoryEstimate weights = request.Weights;
        _layersBefore = new long[weights.Layers.Length + 1];
        for (int i = 0; i < weights.Layers.Length; i++)
        {
            long keysAndValues = request.KV.BytesOf(request.Config.LayerKinds[i]);
            _layersBefore[i + 1] = checked(_layersBefore[i] + weights.Layers[i] + keysAndValues);
        }

        _embedding = weights.Embedding;
        _unembedding = weights.UnembeddingBytes(besideEmbedding: devices[0] == devices[^1]) + request.Workspace.Unembedding;
        int[] stages = [.. devices.Select(device => devices.Count(other => other == device))];
        _limits = [.. devices.Select((device, i) => request.Budget(device) - request.Workspace.Bytes(stages[i]))];
        _capacities = [.. _limits.Select((limit, i) => Math.Max(1.0, limit) / stages[i])];
    }

    public double Cost(int stage, int start, int end)
    {
        double bytes = Bytes(stage, start, end);
        return bytes * bytes / _capacities[stage];
    }

    public double CostWithinBudget(int stage, int start, int end) =>
        Bytes(stage, start, end) <= _limits[stage] ? Cost(stage, start, end) : double.PositiveInfinity;

    private long Bytes(int stage, int start, int end) =>
        _layersBefore[end] - _layersBefore[start]
        + (stage == 0 ? _embedding : 0)
        + (stage == _limits.Length - 1 ? _unembedding : 0);
}
