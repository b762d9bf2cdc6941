using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution;

/// <summary>Chooses the backends that run a model, and answers for them while the model is placed.</summary>
internal sealed class ExecutorFactory
{
    private readonly ModelConfig _config;
    private readonly ModelWeights _weights;
    private readonly GptOssModelOptions _options;
    private readonly Dictionary<DeviceId, IExecutorBackend> _backends;

    /// <exception cref="PlacementException">No backend can run the model there with that precision.</exception>
    public ExecutorFactory(ModelConfig config, ModelWeights weights, GptOssModelOptions options, DeviceInventory inventory)
    {
        (_config, _weights, _options) = (config, weights, options);
        _backends = Choose(Devices(options.Placement, inventory));
        if (options.Placement.TensorParallel > 1
            && _backends.Values.FirstOrDefault(backend => backend.MostSharers < options.Placement.TensorParallel) is { } alone)
        {
            throw new PlacementException(
                $"{nameof(PlacementOptions.TensorParallel)} is {options.Placement.TensorParallel}, but {alone.Name}, "
                + $"with Precision.{options.Precision} on {string.Join(", ", _backends.Keys)}, do not share layers among devices. "
                + "Set it to 1, or choose a precision that the CUDA kernels have.");
        }
    }

    /// <summary>Gets what runs the model.</summary>
    public string Backend => string.Join(" and ", _backends.Values.Distinct().Select(backend => backend.Name));

    /// <summary>Gets a GPU that the model is for, or the CPU.</summary>
    public DeviceId MainDevice => _backends.Keys.FirstOrDefault(device => device.IsCuda, DeviceId.Cpu);

    /// <summary>The bytes of a value in the cache on a device.</summary>
    public int CacheElementBytes(DeviceId device) => BackendOf(device).CacheElementBytes(_config, _options.Precision);

    /// <summary>What a device would take of the model's parts and of its steps.</summary>
    public ExecutorDemand Demand(DeviceId device, ExecutorSizes sizes) => DemandOf(BackendOf(device), sizes);

    /// <summary>The bytes of weights that a token reads of the first layers, on the CPU: of the experts only those that it takes.</summary>
    public long BytesPerToken(int layers)
    {
        var weights = BackendOf(DeviceId.Cpu).Estimate(_config, _weights, _options.Precision, sharers: 1);
        return Enumerable.Range(0, layers).Sum(layer =>
        {
            var experts = _weights.Layers[layer].Experts.Sum(expert => new[] { expert.GateUp, expert.Gate, expert.Up, expert.Down }
                .OfType<LinearSource>().Sum(linear => linear.Weight.ByteLength));
            return weights.Layers[layer] - (experts / _config.ExpertCount * (_config.ExpertCount - _config.ExpertsPerToken));
        });
    }

    /// <summary>Reads the weights. When that fails or is cancelled, nothing stays allocated.</summary>
    public IModelExecutor Create(
        PlacementPlan placement, KVCacheCapacity capacity, WeightReadProgress progress, RepackCache? repackCache = null)
    {
        var request = new ExecutorRequest(_config, _weights, _options, placement, capacity, progress) { RepackCache = repackCache };
        return BackendOf(placement.EmbeddingDevice).TakesParts
            ? ExecutorChain.Create(request, BackendOf)
            : BackendOf(placement.EmbeddingDevice).Create(request);
    }

    private static DeviceId[] Devices(PlacementOptions placement, DeviceInventory inventory)
    {
        if (placement.LayerDevices is { } layers)
        {
            return [.. layers.Concat(new[] { placement.EmbeddingDevice, placement.UnembeddingDevice }.OfType<DeviceId>()).Distinct()];
        }

        DeviceId[] devices = placement.Devices is { } given ? [.. given.Distinct()]
            : inventory.CudaDevices.Count == 0 ? [DeviceId.Cpu]
            : [.. inventory.CudaDevices.Select(gpu => DeviceId.Cuda(gpu.Index))];
        devices = placement.TensorParallel > 1 ? [.. devices.Take(placement.TensorParallel)] : devices;
        return placement.CpuLayers > 0 ? [DeviceId.Cpu, .. devices.Where(device => device != DeviceId.Cpu)] : devices;
    }

    /// <summary>Each device's fastest, if those can share a model; else the fastest that can run it on all of them.</summary>
    private Dictionary<DeviceId, IExecutorBackend> Choose(DeviceId[] devices)
    {
        var own = devices.ToDictionary(
            device => device, device => ExecutorBackends.All.FirstOrDefault(backend => WhyNot(backend, [device]) is null));
        if (own.Values.All(backend => backend is { TakesParts: true }))
        {
            return own.ToDictionary(pair => pair.Key, pair => pair.Value!);
        }

        // What nobody asked for must not become the slow reference.
        var mayBeSlow = _options.Placement.CpuLayers == 0;
        var all = ExecutorBackends.All.FirstOrDefault(backend => mayBeSlow && WhyNot(backend, devices) is null) ?? throw Refusal(devices);
        return devices.ToDictionary(device => device, _ => all);
    }

    private IExecutorBackend BackendOf(DeviceId device) => _backends.GetValueOrDefault(device) ?? _backends.Values.First();

    private ExecutorDemand DemandOf(IExecutorBackend backend, ExecutorSizes sizes) => new(
        Estimate(backend, _options.Precision),
        backend.CacheElementBytes(_config, _options.Precision),
        backend.Workspace(_config, _options, sizes, _backends.Count))
    {
        PackedWeights = _options.Precision == Precision.ExpandedBFloat16 ? Estimate(backend, Precision.Reference) : null,
    };

    private MemoryEstimate Estimate(IExecutorBackend backend, Precision precision) =>
        backend.Estimate(_config, _weights, precision, Math.Min(backend.MostSharers, _options.Placement.TensorParallel));

    private string? WhyNot(IExecutorBackend backend, DeviceId[] devices) => backend.WhyNot(_config, _weights, devices, _options.Precision);

    private PlacementException Refusal(DeviceId[] devices)
    {
        var reasons = ExecutorBackends.All.Select(backend => $"{backend.Name}: {WhyNot(backend, devices)}");
        return new PlacementException(
            $"Nothing runs this model with {nameof(Precision)}.{_options.Precision} on {string.Join(", ", devices)}. "
            + $"{string.Join("; ", reasons)}. Choose another precision, or other devices.");
    }
}
