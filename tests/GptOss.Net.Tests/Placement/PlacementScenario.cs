using System.Collections.Immutable;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Tests.Placement;

/// <summary>Requests for the planner: gpt-oss-20b, and models with made-up sizes.</summary>
internal static class PlacementScenario
{
    public const long GiB = 1L << 30;

    public static ModelConfig GptOss20B { get; } = new()
    {
        HiddenSize = 2880,
        IntermediateSize = 2880,
        HeadCount = 64,
        KVHeadCount = 8,
        HeadDim = 64,
        ExpertCount = 32,
        ExpertsPerToken = 4,
        VocabularySize = 201_088,
        SlidingWindow = 128,
        LayerKinds = Alternating(24),
        MaxPositions = 131_072,
        Rope = new YarnParameters { Theta = 150_000, Factor = 32 },
        Quantization = new QuantizationConfig(QuantizationMethod.Mxfp4, 32),
    };

    /// <summary>gpt-oss-20b for one sequence of 32K tokens, with 1 GiB of workspace on each device.</summary>
    public static PlacementRequest Real(WeightFormats storage, params AvailableDevice[] devices) => new()
    {
        Config = GptOss20B,
        Weights = MemoryEstimate.Of(GptOss20B, storage),
        PackedWeights = storage == WeightFormats.AsStored ? null : MemoryEstimate.Of(GptOss20B, WeightFormats.AsStored),
        KV = new KVDemand(1, 32_768, KVCacheSizing.For(GptOss20B, bytesPerElement: 2, maxStepTokens: 2048).LayerBytes),
        Workspace = new WorkspaceEstimate(GiB, 256L << 20),
        Options = new PlacementOptions(),
        Available = devices,
    };

    /// <summary>
    /// Layers of the given bytes; a token of a sequence takes one byte in every layer. There is no workspace.
    /// </summary>
    public static PlacementRequest Toy(long embedding, long[] layers, long unembedding, params AvailableDevice[] devices) => new()
    {
        Config = GptOss20B with { LayerKinds = Alternating(layers.Length) },
        Weights = new MemoryEstimate(embedding, [.. layers], FinalNorm: 0, unembedding, IsTied: false),
        KV = new KVDemand(1, 16, (_, sequences, tokens) => (long)sequences * tokens),
        Workspace = new WorkspaceEstimate(0, 0),
        Options = new PlacementOptions(),
        Available = devices,
    };

    public static AvailableDevice Gpu(int index, long freeBytes) => new(DeviceId.Cuda(index), "GPU", freeBytes, freeBytes);

    public static AvailableDevice Cpu(long freeBytes) => new(DeviceId.Cpu, "CPU", freeBytes, freeBytes);

    private static ImmutableArray<AttentionKind> Alternating(int layers) =>
        [.. Enumerable.Range(0, layers).Select(i => i % 2 == 0 ? AttentionKind.Sliding : AttentionKind.Full)];
}
