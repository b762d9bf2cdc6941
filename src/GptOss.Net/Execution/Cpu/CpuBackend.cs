using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution.Cpu;

/// <summary>Models that lie on the CPU, on the SIMD kernels of <see cref="CpuExecutor"/>.</summary>
internal sealed class CpuBackend : IExecutorBackend
{
    public string Name => "the CPU kernels";

    public bool TakesParts => true;

    public string? WhyNot(ModelConfig config, ModelWeights weights, IReadOnlyList<DeviceId> devices, Precision precision) =>
        devices.Any(device => device.IsCuda) ? "they run what lies on the CPU"
        : config.HeadDim % RowGroup.BlockColumns != 0
            ? $"they need heads of a multiple of {RowGroup.BlockColumns} values, and this model's have {config.HeadDim}"
        : precision == Precision.Int8Unembedding ? "they hold the output projection in int4, or all dense weights in int8"
        : precision is Precision.ExpandedBFloat16 or Precision.Reference or Precision.ReferenceFloat32
            ? $"{nameof(Precision)}.{precision} is the reference's"
        : null;

    // Keys and values are float32 in every precision.
    public int CacheElementBytes(ModelConfig config, Precision precision) => sizeof(float);

    public MemoryEstimate Estimate(ModelConfig config, ModelWeights weights, Precision precision, int sharers) =>
        new CpuWeightFormats(CpuExecutorOptions.Of(precision)).Estimate(config, weights);

    public WorkspaceEstimate Workspace(ModelConfig config, GptOssModelOptions options, ExecutorSizes sizes, int devices) =>
        CpuWorkspace.Estimate(config, sizes.StepTokens);

    public IModelExecutor Create(ExecutorRequest request) => CpuExecutor.Load(
        request.Config,
        request.Weights,
        request.Capacity,
        CpuExecutorOptions.Of(request.Options.Precision) with
        {
            Threads = request.Options.Cpu.Threads,
            LoadingThreads = request.Options.Cpu.LoadingThreads,
        },
        request.Progress,
        ModelPart.Joined(request.Parts),
        request.RepackCache);
}
