namespace GptOss.Net.Placement;

/// <summary>Decides which part of the model lies on which device. Pure: it looks at nothing but the request.</summary>
internal static class PlacementPlanner
{
    /// <summary>A plan that fits every device.</summary>
    /// <exception cref="ArgumentException">The options contradict each other or the model.</exception>
    /// <exception cref="PlacementException">A device is not there, or has too little memory.</exception>
    public static PlacementPlan Plan(PlacementRequest request)
    {
        PlacementPlan plan = Draft(request);
        return plan.Fits ? plan : throw PlacementRefusal.Of(request, plan);
    }

    /// <summary>The best plan, whether it fits or not.</summary>
    /// <exception cref="ArgumentException">The options contradict each other or the model.</exception>
    /// <exception cref="PlacementException">A device is not there.</exception>
    public static PlacementPlan Draft(PlacementRequest request)
    {
        Validate(request);
        if (request.Options.LayerDevices is { } layerDevices)
        {
            return Describe(
                request,
                Stages(layerDevices),
                request.Options.EmbeddingDevice ?? layerDevices[0],
                request.Options.UnembeddingDevice ?? layerDevices[^1]);
        }

        IReadOnlyList<DeviceId> devices = request.Options.Devices ?? DefaultDevices(request);
        if (request.Options.TensorParallel > 1)
        {
            return Describe(request, [new StagePlacement(Group(request, devices), 0, request.Config.LayerCount)], devices[0], devices[0]);
        }

        return request.Options.CpuLayers > 0
            ? Describe(request, Balance(request, devices, request.Options.CpuLayers), DeviceId.Cpu, devices[^1])
            : Describe(request, Balance(request, devices), devices[0], devices[^1]);
    }

    private static void Validate(PlacementRequest request)
    {
        PlacementOptions options = request.Options;
        int layers = request.Config.LayerCount;
        Require(options.Devices is null || options.LayerDevices is null, "Set Devices or LayerDevices, not both.");
        Require(
            options.LayerDevices is not null || (options.EmbeddingDevice is null && options.UnembeddingDevice is null),
            "EmbeddingDevice and UnembeddingDevice are only for a placement by hand: set LayerDevices as well.");
        Require(
            options.LayerDevices is null || options.LayerDevices.Count == layers,
            $"LayerDevices has {options.LayerDevices?.Count} entries, but the model has {layers} layers.");
        Require(
            options.Devices is null || (options.Devices.Count > 0 && options.Devices.Count <= layers),
            $"Devices has {options.Devices?.Count} entries: {layers} layers can use 1 to {layers} devices.");
        Require(
            options.TensorParallel is 1 or 2 or 4,
            $"TensorParallel is {options.TensorParallel}: layers are shared among 2 or 4 GPUs, or lie on one each (1).");
        Require(
            options.TensorParallel == 1 || (options.LayerDevices is null && options.CpuLayers == 0),
            "TensorParallel shares every layer among all of Devices: leave LayerDevices out.");
        Require(
            options.TensorParallel == 1 || options.Devices is not { } given
                || (given.Distinct().Count() == options.TensorParallel && given.Count == options.TensorParallel
                    && given.All(device => device.IsCuda)),
            $"TensorParallel is {options.TensorParallel}, so Devices has to name {options.TensorParallel} "
            + "different GPUs, or to be left out.");
        foreach ((DeviceId device, long limit) in options.MemoryLimits)
        {
            Require(limit > 0, $"The memory limit of {device} is {limit}: it must be a positive number of bytes.");
        }

        void Require(bool condition, string message)
        {
            if (!condition)
            {
                throw new ArgumentException(message, nameof(request));
            }
        }
    }

    /// <summary>The GPUs that share every layer.</summary>
    private static DeviceId[] Group(PlacementRequest request, IReadOnlyList<DeviceId> devices)
    {
        int size = request.Options.TensorParallel;
        return devices.Count(device => device.IsCuda) >= size
            ? [.. devices.Take(size)]
            : throw new PlacementException(string.Join(' ', request.Problems.Prepend(
                $"TensorParallel is {size}, but this machine has {devices.Count(device => device.IsCuda)} GPUs. Set it to 1.")));
    }

    private static DeviceId[] DefaultDevices(PlacementRequest request)
    {
        DeviceId[] gpus =
        [
            .. request.Available.Select(device => device.Id).Where(id => id.IsCuda).Take(request.Config.LayerCount),
        ];
        return gpus.Length > 0 ? gpus : [DeviceId.Cpu];
    }

    /// <summary>Consecutive layers on the same device are a stage.</summary>
    private static List<StagePlacement> Stages(IReadOnlyList<DeviceId> layerDevices)
    {
        var stages = new List<StagePlacement>();
        int start = 0;
        for (int layer = 1; layer <= layerDevices.Count; layer++)
        {
            if (layer == layerDevices.Count || layerDevices[layer] != layerDevices[start])
            {
                stages.Add(new StagePlacement(layerDevices[start], start, layer - start));
                start = layer;
            }
        }

        return stages;
    }

    /// <summary>
    /// One stage for each device: the cut, among those that fit if any does, with the least sum of
    /// <c>bytes² / capacity</c>. That is the one whose devices are filled most evenly. Some first layers may lie on the CPU, with the
    /// embedding.
    /// </summary>
    private static List<StagePlacement> Balance(PlacementRequest request, IReadOnlyList<DeviceId> devices, int cpuLayers = 0)
    {
        var loads = new StageLoads(request, devices, embeds: cpuLayers == 0);
        int layers = request.Config.LayerCount - cpuLayers;
        int[] ends = LayerPartition.Cheapest(
            layers, devices.Count, (stage, start, end) => loads.CostWithinBudget(stage, start + cpuLayers, end + cpuLayers))
            ?? LayerPartition.Cheapest(
                layers, devices.Count, (stage, start, end) => loads.Cost(stage, start + cpuLayers, end + cpuLayers))!;
        IEnumerable<StagePlacement> stages = ends.Select((end, i) => (Start: i == 0 ? 0 : ends[i - 1], End: end, Device: devices[i]))
            .Select(stage => new StagePlacement(stage.Device, stage.Start + cpuLayers, stage.End - stage.Start));
        return [.. cpuLayers == 0 ? stages : stages.Prepend(new StagePlacement(DeviceId.Cpu, 0, cpuLayers))];
    }

    private static PlacementPlan Describe(
        PlacementRequest request, List<StagePlacement> stages, DeviceId embedding, DeviceId unembedding)
    {
        DeviceId[] devices = [.. stages.SelectMany(stage => stage.Devices).Prepend(embedding).Append(unembedding).Distinct()];
        IEnumerable<DevicePlacement> described = devices.Select(device => Describe(request, device, stages, embedding, unembedding));
        return new PlacementPlan
        {
            Stages = stages,
            Devices = [.. request.Workspace.PageLocked > 0 && request.KnowsMainMemory ? described.Append(PageLocked(request)) : described],
            EmbeddingDevice = embedding,
            UnembeddingDevice = unembedding,
            MaxConcurrentSequences = request.ConcurrentSequences,
            MaxSequences = request.KV.MaxSequences,
            MaxModelLength = request.KV.MaxModelLength,
        };
    }

    private static DevicePlacement Describe(
        PlacementRequest request, DeviceId device, List<StagePlacement> stages, DeviceId embedding, DeviceId unembedding)
    {
        int[] own = [.. Enumerable.Range(0, stages.Count).Where(i => stages[i].Devices.Contains(device))];
        int[] layers = [.. own.SelectMany(i => Enumerable.Range(stages[i].FirstLayer, stages[i].LayerCount))];
        // Each of a group has some of everything, and the first samples.
        int sharers = request.Options.TensorParallel;
        bool holdsEmbedding = device == embedding || sharers > 1;
        bool holdsUnembedding = device == unembedding || sharers > 1;
        DeviceDemand demand = request.DemandOn(device);
        MemoryEstimate weights = sharers == 1 ? demand.Weights : demand.Weights.Shares[stages[0].Devices.ToList().IndexOf(device)];
        return new DevicePlacement
        {
            Device = device,
            Stages = own,
            HoldsEmbedding = holdsEmbedding,
            HoldsUnembedding = holdsUnembedding,
            WeightBytes = layers.Sum(layer => weights.Layers[layer])
                + (holdsEmbedding ? weights.Embedding : 0)
                + (holdsUnembedding ? weights.UnembeddingBytes(besideEmbedding: holdsEmbedding) : 0),
            KVBytes = layers.Sum(layer => demand.KV.BytesOf(request.Config.LayerKinds[layer])) / sharers,
            WorkspaceBytes = demand.Workspace.Bytes(own.Length) + (holdsUnembedding ? demand.Workspace.Unembedding : 0)
                + (device == unembedding ? demand.Workspace.Sampling : 0),
            BudgetBytes = request.Budget(device),
            FreeBytes = request.Find(device).FreeBytes,
        };
    }

    /// <summary>Main memory through which the GPUs of a group may have to speak, and which has nothing else of the model.</summary>
    private static DevicePlacement PageLocked(PlacementRequest request) => new()
    {
        Device = DeviceId.Cpu,
        Stages = [],
        HoldsEmbedding = false,
        HoldsUnembedding = false,
        WeightBytes = 0,
        KVBytes = 0,
        WorkspaceBytes = request.Workspace.PageLocked,
        BudgetBytes = request.Budget(DeviceId.Cpu),
        FreeBytes = request.Find(DeviceId.Cpu).FreeBytes,
    };
}
