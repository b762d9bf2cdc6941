using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Models, or parts of them, that lie on NVIDIA GPUs, on the kernels of <see cref="CudaExecutor"/>.</summary>
internal sealed class CudaBackend : IExecutorBackend
{
    // For hosts whose direct way between cards is not to be trusted, and for measurements of the other one.
    private const string AvoidPeerAccess = "GptOss.Net.AvoidPeerAccess";

    public string Name => "the CUDA kernels";

    public bool TakesParts => true;

    public int MostSharers => 2;

    public double LargestShare(ModelConfig config, int sharers) => CudaShare.Largest(new CudaShape(config), sharers);

    public string? WhyNot(ModelConfig config, ModelWeights weights, IReadOnlyList<DeviceId> devices, Precision precision) =>
        !devices.All(device => device.IsCuda) ? "they run a model that lies on NVIDIA GPUs"
        : precision is not (Precision.Default or Precision.AsStored or Precision.Int8Unembedding or Precision.Int8Dense
            or Precision.ExpandedBFloat16)
            ? "they hold weights as stored, dense ones in int8, or all expanded to bfloat16"
        : CudaShape.WhyNot(config);

    public int CacheElementBytes(ModelConfig config, Precision precision) => CudaKVStorage.ElementBytes(config);

    public MemoryEstimate Estimate(ModelConfig config, ModelWeights weights, Precision precision) => MemoryEstimate.Of(
        config,
        weights,
        new WeightFormats(precision == Precision.ExpandedBFloat16 ? WeightFormat.BFloat16 : WeightFormat.AsStored, WeightFormat.BFloat16));

    public WorkspaceEstimate Workspace(ModelConfig config, GptOssModelOptions options, int devices) =>
        CudaWorkspace.Estimate(
            config, Options(options, options.MaxModelLength ?? config.MaxPositions), devices, options.Placement.TensorParallel);

    public IModelExecutor Create(ExecutorRequest request) => new CudaExecutorLoader(
        request.Config,
        request.Weights,
        request.Capacity,
        Options(request.Options, request.Placement.MaxModelLength),
        request.Progress,
        request.Options.LoggerFactory.CreateLogger(typeof(CudaExecutorLoader).FullName!))
        .Load(request.Parts, request.Options.LibTorchDirectory);

    private static CudaExecutorOptions Options(GptOssModelOptions options, int maxModelLength) =>
        new(options.MaxStepTokens, options.MaxSequences, maxModelLength)
        {
            Precision = options.Precision,
            AvoidsPeerAccess = AppContext.TryGetSwitch(AvoidPeerAccess, out var avoids) && avoids,
        };
}
