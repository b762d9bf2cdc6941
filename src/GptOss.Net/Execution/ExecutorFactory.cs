using GptOss.Net.Execution.Cpu;
using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Torch;
using GptOss.Net.Interop;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution;

/// <summary>
/// Chooses the executor by what is asked for: own kernels for a model that lies on the CPU or on one GPU as a whole, the reference
/// elsewhere.
/// </summary>
internal sealed class ExecutorFactory
{
    private readonly ModelConfig _config;
    private readonly GptOssModelOptions _options;
    private readonly bool _usesCpuKernels;
    private readonly bool _usesCudaKernels;

    public ExecutorFactory(ModelConfig config, GptOssModelOptions options, DeviceInventory inventory)
    {
        (_config, _options) = (config, options);
        _usesCpuKernels = IsOnCpu(options.Placement, inventory)
            && options.Cpu.Precision != CpuPrecision.Reference
            && options.WeightStorage == WeightStorage.Packed
            && config.HeadDim % RowGroup.BlockColumns == 0;
        _usesCudaKernels = options.ComputeType == ComputeType.BFloat16
            && IsOnOneGpu(options.Placement, inventory)
            && CudaShape.WhyNot(config) is null;
    }

    /// <summary>Gets the bytes of a value in the cache.</summary>
    public int CacheElementBytes => _usesCudaKernels ? CudaKVStorage.ElementBytes(_config)
        : _usesCpuKernels || _options.ComputeType == ComputeType.Float32 ? sizeof(float) : 2;

    /// <summary>What the weights take in memory.</summary>
    public MemoryEstimate Estimate(ModelWeights weights)
    {
        if (_usesCpuKernels)
        {
            return new CpuWeightFormats(CpuExecutorOptions).Estimate(_config, weights);
        }

        var dense = _options.ComputeType == ComputeType.Float32 ? WeightFormat.Float32 : WeightFormat.BFloat16;
        return MemoryEstimate.Of(
            _config, weights, new WeightFormats(_options.WeightStorage == WeightStorage.Expanded ? dense : WeightFormat.AsStored, dense));
    }

    /// <summary>The same without expanding anything, where <see cref="Estimate"/> expands; <see langword="null"/> elsewhere.</summary>
    public MemoryEstimate? EstimatePacked(ModelWeights weights) => _usesCpuKernels || _options.WeightStorage != WeightStorage.Expanded
        ? null
        : MemoryEstimate.Of(
            _config, weights, new WeightFormats(WeightFormat.AsStored, _options.ComputeType == ComputeType.Float32 ? WeightFormat.Float32 : WeightFormat.BFloat16));

    /// <summary>The memory that a step of so many tokens computes with.</summary>
    public WorkspaceEstimate Workspace(int maxStepTokens) =>
        _usesCudaKernels
            ? CudaWorkspace.Estimate(_config, CudaExecutorOptions(maxStepTokens, _options.MaxModelLength ?? _config.MaxPositions))
        : _usesCpuKernels ? CpuWorkspace.Estimate(_config, maxStepTokens)
        : TorchWorkspace.Estimate(_config, maxStepTokens);

    /// <summary>Reads the weights. When that fails or is cancelled, nothing stays allocated.</summary>
    public IModelExecutor Create(ModelWeights weights, PlacementPlan placement, KVCacheCapacity capacity, WeightReadProgress progress)
    {
        if (_usesCpuKernels)
        {
            return CpuExecutor.Load(_config, weights, capacity, CpuExecutorOptions, progress);
        }

        if (_usesCudaKernels)
        {
            return CudaExecutor.Load(
                placement.EmbeddingDevice,
                _options.LibTorchDirectory,
                _config,
                weights,
                capacity,
                CudaExecutorOptions(_options.MaxStepTokens, placement.MaxModelLength),
                progress);
        }

        NativeLibraries.EnsureLoaded(
            _options.LibTorchDirectory, _options.LoggerFactory.CreateLogger(typeof(NativeLibraries).FullName!));
        return new TorchExecutorFactory(_config, weights, capacity, _options.ComputeType, _options.WeightStorage, progress)
            .Create(placement);
    }

    private CpuExecutorOptions CpuExecutorOptions
    {
        get
        {
            var isExact = _options.Cpu.Precision == CpuPrecision.Exact || _options.ComputeType == ComputeType.Float32;
            return (isExact ? CpuExecutorOptions.Exact : CpuExecutorOptions.Fast) with
            {
                Threads = _options.Cpu.Threads,
                LoadingThreads = _options.Cpu.LoadingThreads,
                UnembeddingInt4 = _options.Cpu.UnembeddingInt4,
            };
        }
    }

    private CudaExecutorOptions CudaExecutorOptions(int maxStepTokens, int maxModelLength) =>
        new(maxStepTokens, _options.MaxSequences, maxModelLength) { Storage = _options.WeightStorage };

    private static bool IsOnOneGpu(PlacementOptions placement, DeviceInventory inventory)
    {
        IEnumerable<DeviceId> devices = placement.LayerDevices is { } layers ? Ends(placement).Concat(layers)
            : placement.Devices ?? [.. inventory.CudaDevices.Select(device => DeviceId.Cuda(device.Index))];
        var distinct = devices.Distinct().ToArray();
        return distinct.Length == 1 && distinct[0].IsCuda;
    }

    private static bool IsOnCpu(PlacementOptions placement, DeviceInventory inventory) =>
        placement.LayerDevices is { } layers ? Ends(placement).Concat(layers).All(device => !device.IsCuda)
        : placement.Devices is { } devices ? devices.Count == 1 && !devices[0].IsCuda
        : inventory.CudaDevices.Count == 0;

    private static IEnumerable<DeviceId> Ends(PlacementOptions placement) =>
        new[] { placement.EmbeddingDevice, placement.UnembeddingDevice }.OfType<DeviceId>();
}
