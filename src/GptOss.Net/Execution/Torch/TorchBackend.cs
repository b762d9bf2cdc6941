using GptOss.Net.Interop;
using GptOss.Net.Model;
using GptOss.Net.Placement;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>The reference, which runs everywhere: whoever asks for it by name, and where nothing faster can.</summary>
internal sealed class TorchBackend : IExecutorBackend
{
    public string Name => "the reference";

    public bool TakesParts => false;

    // On the CPU only where no kernel can: those are many times faster.
    public string? WhyNot(ModelConfig config, ModelWeights weights, IReadOnlyList<DeviceId> devices, Precision precision) =>
        precision switch
        {
            Precision.Int8Dense or Precision.Int8Unembedding or Precision.Int4Unembedding =>
                "it holds dense weights in bfloat16 or float32 only",
            Precision.AsStored or Precision.Float32 when !devices.Any(device => device.IsCuda) =>
                $"on the CPU it is many times slower than kernels; "
                + $"{nameof(Precision)}.{nameof(Precision.ReferenceFloat32)} asks for it all the same",
            _ => null,
        };

    public int CacheElementBytes(ModelConfig config, Precision precision) => IsFloat32(precision) ? sizeof(float) : 2;

    public MemoryEstimate Estimate(ModelConfig config, ModelWeights weights, Precision precision, int sharers)
    {
        var dense = IsFloat32(precision) ? WeightFormat.Float32 : WeightFormat.BFloat16;
        return MemoryEstimate.Of(
            config, weights,
            new WeightFormats(precision == Precision.ExpandedBFloat16 ? WeightFormat.BFloat16 : WeightFormat.AsStored, dense));
    }

    public WorkspaceEstimate Workspace(ModelConfig config, GptOssModelOptions options, ExecutorSizes sizes, int devices) =>
        TorchWorkspace.Estimate(config, sizes.StepTokens);

    public IModelExecutor Create(ExecutorRequest request)
    {
        var (options, precision) = (request.Options, request.Options.Precision);
        NativeLibraries.EnsureLoaded(options.LibTorchDirectory, options.LoggerFactory.CreateLogger(typeof(NativeLibraries).FullName!));
        var type = IsFloat32(precision) ? ScalarType.Float32 : ScalarType.BFloat16;
        return new TorchExecutorFactory(
            request.Config, request.Weights, request.Capacity, type, precision == Precision.ExpandedBFloat16, request.Progress)
            .Create(request.Placement);
    }

    private static bool IsFloat32(Precision precision) => precision is Precision.Float32 or Precision.ReferenceFloat32;
}
