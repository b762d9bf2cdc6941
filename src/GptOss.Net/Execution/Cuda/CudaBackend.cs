using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Models, or parts of them, that lie on NVIDIA GPUs, on the kernels of <see cref="CudaExecutor"/>.</summary>
internal sealed class CudaBackend : IExecutorBackend
{
    // For hosts whose direct way between cards is not to be trusted, and for measurements of the other one.
    private const string AvoidPeerAccess = "GptOss.Net.AvoidPeerAccess";

    /// <summary>The most cards that share every layer.</summary>
    public const int MostCards = 4;

    public string Name => "the CUDA kernels";

    public bool TakesParts => true;

    public int MostSharers => MostCards;

    public string? WhyNot(ModelConfig config, ModelWeights weights, IReadOnlyList<DeviceId> devices, Precision precision) =>
        !devices.All(device => device.IsCuda) ? "they run a model that lies on NVIDIA GPUs"
        : precision is not (Precision.Default or Precision.AsStored or Precision.Int8Unembedding or Precision.Int8Dense
            or Precision.ExpandedBFloat16)
            ? "they hold weights as stored, dense ones in int8, or all expanded to bfloat16"
        : CudaShape.WhyNot(config);

    public int CacheElementBytes(ModelConfig config, Precision precision) => CudaKVStorage.ElementBytes(config);

    public MemoryEstimate Estimate(ModelConfig config, ModelWeights weights, Precision precision, int sharers)
    {
        var formats = CudaFormats.Of(weights, precision);
        return CudaWeights.Estimate(new CudaShape(config), CudaShare.Whole, formats) with
        {
            Shares = sharers == 1 ? [] : [.. Enumerable.Range(0, sharers)
                .Select(index => CudaWeights.Estimate(new CudaShape(config, sharers), new CudaShare(index, sharers), formats))],
        };
    }

    public WorkspaceEstimate Workspace(ModelConfig config, GptOssModelOptions options, ExecutorSizes sizes, int devices) =>
        CudaWorkspace.Estimate(config, Options(options, sizes), devices, options.Placement.TensorParallel);

    public IModelExecutor Create(ExecutorRequest request) => new CudaExecutorLoader(
        request.Config,
        request.Weights,
        request.Capacity,
        Options(request.Options, new(
            request.Placement.MaxConcurrentSequences, request.Options.MaxStepTokens, request.Placement.MaxModelLength)),
        request.Progress,
        request.Options.LoggerFactory.CreateLogger(typeof(CudaExecutorLoader).FullName!))
        .Load(request.Parts, request.Options.LibTorchDirectory);

    private static CudaExecutorOptions Options(GptOssModelOptions options, ExecutorSizes sizes) =>
        new(sizes.StepTokens, sizes.Sequences, sizes.Length)
        {
            Precision = options.Precision,
            AvoidsPeerAccess = AppContext.TryGetSwitch(AvoidPeerAccess, out var avoids) && avoids,
        };
}
