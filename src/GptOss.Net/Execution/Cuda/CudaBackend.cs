using GptOss.Net.Execution.Cuda.Loading;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution.Cuda;

/// <summary>Models that lie on one NVIDIA GPU, on the kernels of <see cref="CudaExecutor"/>.</summary>
internal sealed class CudaBackend : IExecutorBackend
{
    public string Name => "the CUDA kernels";

    public string? WhyNot(ModelConfig config, ModelWeights weights, IReadOnlyList<DeviceId> devices, Precision precision) =>
        devices.Count != 1 || !devices[0].IsCuda ? "they run a model that lies on one NVIDIA GPU"
        : precision is not (Precision.Default or Precision.AsStored or Precision.Int8Unembedding or Precision.Int8Dense or Precision.ExpandedBFloat16)
            ? "they hold weights as stored, dense ones in int8, or all expanded to bfloat16"
        : CudaShape.WhyNot(config);

    public int CacheElementBytes(ModelConfig config, Precision precision) => CudaKVStorage.ElementBytes(config);

    public MemoryEstimate Estimate(ModelConfig config, ModelWeights weights, Precision precision) => MemoryEstimate.Of(
        config,
        weights,
        new WeightFormats(precision == Precision.ExpandedBFloat16 ? WeightFormat.BFloat16 : WeightFormat.AsStored, WeightFormat.BFloat16));

    public WorkspaceEstimate Workspace(ModelConfig config, GptOssModelOptions options) =>
        CudaWorkspace.Estimate(config, Options(options, options.MaxModelLength ?? config.MaxPositions));

    public IModelExecutor Create(ExecutorRequest request) => CudaExecutorLoader.Load(
        request.Placement.EmbeddingDevice,
        request.Options.LibTorchDirectory,
        request.Config,
        request.Weights,
        request.Capacity,
        Options(request.Options, request.Placement.MaxModelLength),
        request.Progress);

    private static CudaExecutorOptions Options(GptOssModelOptions options, int maxModelLength) =>
        new(options.MaxStepTokens, options.MaxSequences, maxModelLength) { Precision = options.Precision };
}
