namespace GptOss.Net.Placement;

/// <summary>What a stage would put on its device, when the devices hold one stage each in the given order.</summary>
internal sealed class StageLoads
{
    // [stages]: the bytes of layers 0 … i - 1, weights and keys and values, as they are on the stage's device.
    private readonly long[][] _layersBefore;
    private readonly long _embedding;
    private readonly long _unembedding;

    // What a device's budget leaves for it, and a stage's share of that where the device has several stages.
    private readonly long[] _limits;
    private readonly double[] _capacities;

    public StageLoads(PlacementRequest request, IReadOnlyList<DeviceId> devices, bool embeds = true)
    {
        _layersBefore = [.. devices.Select(device => LayersBefore(request, device))];
        DeviceDemand last = request.DemandOn(devices[^1]);
        _embedding = embeds ? request.DemandOn(devices[0]).Weights.Embedding : 0;
        _unembedding = last.Weights.UnembeddingBytes(besideEmbedding: embeds && devices[0] == devices[^1])
            + last.Workspace.Unembedding + last.Workspace.Sampling;
        int[] stages = [.. devices.Select(device => devices.Count(other => other == device))];
        _limits = [.. devices.Select((device, i) => request.Budget(device) - request.DemandOn(device).Workspace.Bytes(stages[i]))];
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
        _layersBefore[stage][end] - _layersBefore[stage][start]
        + (stage == 0 ? _embedding : 0)
        + (stage == _limits.Length - 1 ? _unembedding : 0);

    private static long[] LayersBefore(PlacementRequest request, DeviceId device)
    {
        DeviceDemand demand = request.DemandOn(device);
        var before = new long[demand.Weights.Layers.Length + 1];
        for (int i = 0; i < demand.Weights.Layers.Length; i++)
        {
            before[i + 1] = checked(before[i] + demand.Weights.Layers[i] + demand.KV.BytesOf(request.Config.LayerKinds[i]));
        }

        return before;
    }
}
