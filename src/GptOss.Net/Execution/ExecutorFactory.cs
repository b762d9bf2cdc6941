using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution;

/// <summary>Chooses the backend that runs a model, and answers for it while the model is placed.</summary>
internal sealed class ExecutorFactory
{
    private readonly ModelConfig _config;
    private readonly ModelWeights _weights;
    private readonly GptOssModelOptions _options;
    private readonly IExecutorBackend _backend;

    /// <exception cref="PlacementException">No backend can run the model there with that precision.</exception>
    public ExecutorFactory(ModelConfig config, ModelWeights weights, GptOssModelOptions options, DeviceInventory inventory)
    {
        (_config, _weights, _options) = (config, weights, options);
        var devices = Devices(options.Placement, inventory);
        _backend = ExecutorBackends.All.FirstOrDefault(backend => WhyNot(backend, devices) is null)
            ?? throw Refusal(devices);
    }

    /// <summary>Gets what runs the model.</summary>
    public string Backend => _backend.Name;

    /// <summary>Gets the bytes of a value in the cache.</summary>
    public int CacheElementBytes => _backend.CacheElementBytes(_config, _options.Precision);

    /// <summary>Gets what the weights take in memory.</summary>
    public MemoryEstimate WeightBytes => _backend.Estimate(_config, _weights, _options.Precision);

    /// <summary>Gets the same without expanding anything, where <see cref="WeightBytes"/> expands; <see langword="null"/> elsewhere.</summary>
    public MemoryEstimate? PackedWeightBytes => _options.Precision == Precision.ExpandedBFloat16
        ? _backend.Estimate(_config, _weights, Precision.Reference)
        : null;

    /// <summary>The memory that a step of so many tokens computes with.</summary>
    public WorkspaceEstimate Workspace(int maxStepTokens) => _backend.Workspace(_config, _options with { MaxStepTokens = maxStepTokens });

    /// <summary>Reads the weights. When that fails or is cancelled, nothing stays allocated.</summary>
    public IModelExecutor Create(PlacementPlan placement, KVCacheCapacity capacity, WeightReadProgress progress) =>
        _backend.Create(new ExecutorRequest(_config, _weights, _options, placement, capacity, progress));

    private static DeviceId[] Devices(PlacementOptions placement, DeviceInventory inventory)
    {
        if (placement.LayerDevices is { } layers)
        {
            return [.. layers.Concat(new[] { placement.EmbeddingDevice, placement.UnembeddingDevice }.OfType<DeviceId>()).Distinct()];
        }

        return placement.Devices is { } devices ? [.. devices.Distinct()]
            : inventory.CudaDevices.Count == 0 ? [DeviceId.Cpu]
            : [.. inventory.CudaDevices.Select(gpu => DeviceId.Cuda(gpu.Index))];
    }

    private string? WhyNot(IExecutorBackend backend, DeviceId[] devices) => backend.WhyNot(_config, _weights, devices, _options.Precision);

    private PlacementException Refusal(DeviceId[] devices)
    {
        var reasons = ExecutorBackends.All.Select(backend => $"{backend.Name}: {WhyNot(backend, devices)}");
        return new PlacementException(
            $"Nothing runs this model with {nameof(Precision)}.{_options.Precision} on {string.Join(", ", devices)}. {string.Join("; ", reasons)}. "
            + "Choose another precision, or other devices.");
    }
}
