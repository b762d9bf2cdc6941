using GptOss.Net.Engine;
using GptOss.Net.Harmony;
using GptOss.Net.Placement;
using GptOss.Net.Tests.Model;

namespace GptOss.Net.Tests;

/// <summary>Loads altered checkpoints as <see cref="GptOssModel.LoadAsync"/> does.</summary>
internal static class AlteredModel
{
    // One for all: it is made from 200,000 tokens.
    private static readonly Lazy<HarmonyTokenizer> Tokenizer = new(HarmonyTokenizer.Create);

    /// <summary>Gets the settings of the exact CPU kernels.</summary>
    public static GptOssModelOptions Exact { get; } = new()
    {
        Precision = Precision.AsStored,
        Cpu = new CpuOptions { Threads = 1 },
        MaxModelLength = 128,
        MaxSequences = 2,
        Placement = new PlacementOptions { Devices = [DeviceId.Cpu] },
    };

    /// <summary>Gets the settings of the quantized CPU kernels.</summary>
    public static GptOssModelOptions Fast { get; } = Exact with { Precision = Precision.Int8Dense };

    /// <summary>Gets the settings of the reference in float32.</summary>
    public static GptOssModelOptions Reference { get; } = Exact with { Precision = Precision.ReferenceFloat32 };

    /// <summary>Gets a name for each of them.</summary>
    public static IReadOnlyDictionary<string, GptOssModelOptions> Modes { get; } =
        new Dictionary<string, GptOssModelOptions>(StringComparer.Ordinal)
        {
            ["exact"] = Exact,
            ["fast"] = Fast,
            ["int4 output"] = Exact with { Precision = Precision.Int4Unembedding },
            ["reference"] = Reference,
            ["bfloat16"] = Exact with { Precision = Precision.Reference },
            ["expanded"] = Exact with { Precision = Precision.ExpandedBFloat16 },
        };

    /// <summary>The logits of every token of the prompt, row after row.</summary>
    public static async Task<float[]> Logits(string path, GptOssModelOptions options, int[] prompt)
    {
        var loader = new ModelLoader(options, "altered", MemoryLedger.OfProcess, progress: null, TestContext.Current.CancellationToken);
        await using var model = new GptOssModel(loader.Load(path), Tokenizer.Value, options, "altered");
        return [.. (await model.ComputeLogitsAsync(prompt, TestContext.Current.CancellationToken)).Cast<float>()];
    }

    /// <summary>The same of a draft.</summary>
    public static async Task<float[]> Logits(CheckpointDraft draft, GptOssModelOptions options, int[] prompt)
    {
        using var directory = new TemporaryDirectory();
        draft.Write(directory.Path);
        return await Logits(directory.Path, options, prompt);
    }
}
