using System.Text.Json;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Model.Adapters;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Model;

/// <summary>An adapter in PEFT's format, and checkpoints that it was merged into, in another way than the library does.</summary>
internal sealed class LoraFixture : IDisposable
{
    public const int Rank = 4;
    public const double Alpha = 6;
    public const string Prefix = "base_model.model.";

    private static readonly KVCacheCapacity Capacity = new(64, 64);

    private readonly TemporaryDirectory _directory = new();

    public ModelFixture Model { get; } = new("b");

    public string Directory => _directory.Path;

    /// <summary>Gets the tensors of the adapter that is made.</summary>
    public Dictionary<string, (long[] Shape, float[] Values)> Tensors { get; } = new(StringComparer.Ordinal);

    public void Dispose()
    {
        Model.Dispose();
        _directory.Dispose();
    }

    public static float[] Random(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5) * 0.2f)];
    }

    /// <summary>Adds the pair of a module.</summary>
    public void Add(string module, int inputs, int outputs, int width = Rank)
    {
        AddWhole($"{module}.lora_A.weight", width, inputs);
        Tensors.Add(
            $"{Prefix}{module}.lora_B.weight", ([outputs, width], Random(module.Length + 1, outputs * width)));
    }

    /// <summary>Adds a tensor under its name in the model.</summary>
    public void AddWhole(string name, params long[] shape) =>
        Tensors.Add(Prefix + name, (shape, Random(name.Length, (int)shape.Aggregate(1L, (a, b) => a * b))));

    /// <summary>Writes the adapter; its directory.</summary>
    public string Save(string name = "adapter", params (string Key, object Value)[] config)
    {
        var folder = _directory.File(name);
        System.IO.Directory.CreateDirectory(folder);
        var all = new Dictionary<string, object>
        {
            ["peft_type"] = "LORA",
            ["r"] = Rank,
            ["lora_alpha"] = Alpha,
            ["use_rslora"] = false,
            ["bias"] = "none",
            ["target_modules"] = "all-linear",
            ["rank_pattern"] = new Dictionary<string, int>(),
        };
        foreach (var (key, value) in config)
        {
            all[key] = value;
        }

        File.WriteAllText(Path.Combine(folder, "adapter_config.json"), JsonSerializer.Serialize(all));
        Writer(Tensors).Save(Path.Combine(folder, "adapter_model.safetensors"));
        return folder;
    }

    public Action Merging(string directory) => () =>
    {
        using var adapter = LoraAdapter.Open(directory);
        LoraMerge.Merge(Model.Config, Model.Weights, adapter);
    };

    /// <summary>The checkpoint in float32, its tensors changed.</summary>
    public SafetensorsCheckpoint Merged(Action<Dictionary<string, (long[] Shape, float[] Values)>> change)
    {
        var tensors = new Dictionary<string, (long[] Shape, float[] Values)>(StringComparer.Ordinal);
        foreach (var tensor in Model.Checkpoint.Tensors.Values.Where(tensor => tensor.Type != TensorType.U8))
        {
            tensors.Add(tensor.Name, ([.. tensor.Shape], tensor.ReadSingles()));
        }

        for (var layer = 0; layer < Model.Config.LayerCount; layer++)
        {
            var experts = $"model.layers.{layer}.mlp.experts";
            tensors.Add($"{experts}.gate_up_proj", Expanded(layer, expert => expert.GateUp!));
            tensors.Add($"{experts}.down_proj", Expanded(layer, expert => expert.Down));
        }

        change(tensors);
        CheckpointWriter.Write(_directory.File("merged"), Model.Config with { Quantization = QuantizationConfig.None }, Writer(tensors));
        return SafetensorsCheckpoint.Open(_directory.File("merged"));
    }

    /// <summary>Adds the product of each pair, times a scale that its matrix has: <c>model.layers.0.mlp.experts.down_proj</c>.</summary>
    public static void AddDeltas(
        Dictionary<string, (long[] Shape, float[] Values)> tensors, Dictionary<string, (long[] Shape, float[] Values)> adapter,
        Func<string, double> scale)
    {
        foreach (var name in adapter.Keys.Where(name => name.Contains("lora_A", StringComparison.Ordinal)))
        {
            var (a, b) = (adapter[name], adapter[name.Replace("lora_A", "lora_B", StringComparison.Ordinal)]);
            var module = name[Prefix.Length..^".lora_A.weight".Length].Replace(".base_layer", string.Empty, StringComparison.Ordinal);
            var isExperts = module.EndsWith("experts", StringComparison.Ordinal);
            var matrix = !isExperts ? module : b.Shape[0] == 192 ? $"{module}.gate_up_proj" : $"{module}.down_proj";
            var target = tensors[isExperts ? matrix : $"{matrix}.weight"].Values;
            var experts = isExperts ? 5 : 1;
            var (inputs, outputs, rank) = ((int)a.Shape[1], (int)b.Shape[0], (int)a.Shape[0] / experts);
            for (var e = 0; e < experts; e++)
            {
                for (var o = 0; o < outputs; o++)
                {
                    for (var i = 0; i < inputs; i++)
                    {
                        var sum = Enumerable.Range(0, rank).Sum(r =>
                            (double)a.Values[(((e * rank) + r) * inputs) + i] * b.Values[(o * rank * experts) + (r * experts) + e]);
                        target[isExperts ? (((e * inputs) + i) * outputs) + o : (o * inputs) + i] += (float)(scale(matrix) * sum);
                    }
                }
            }
        }
    }

    public float[] Logits(ICheckpoint checkpoint, string? adapterDirectory = null)
    {
        using var adapter = adapterDirectory is null ? null : LoraAdapter.Open(adapterDirectory);
        var config = ModelConfigReader.Read(checkpoint);
        var weights = ModelWeightsReader.Read(config, checkpoint);
        using var executor = CpuExecutor.Load(
            config,
            adapter is null ? weights : LoraMerge.Merge(config, weights, adapter),
            Capacity,
            CpuExecutorOptions.Exact with { Threads = 1 },
            new WeightReadProgress(0, (_, _) => { }, default));
        return new ExecutorDriver(executor, Capacity, config.SlidingWindow, maxStepTokens: 64).Logits(Model.Cases[0].InputIds)[0];
    }

    /// <summary>The adapter in a directory gives the logits of the checkpoint that was changed so, to 1e-5.</summary>
    public void ShouldGiveLogitsOf(
        string adapterDirectory, Action<Dictionary<string, (long[] Shape, float[] Values)>> change)
    {
        using var merged = Merged(change);
        var logits = Logits(Model.Checkpoint, adapterDirectory);
        ModelFixture.RelativeError(logits, Logits(merged)).Should().BeLessThan(1e-5);
        ModelFixture.RelativeError(logits, Logits(Model.Checkpoint)).Should().BeGreaterThan(1e-2, "the adapter changes the model");
    }

    private static SafetensorsWriter Writer(Dictionary<string, (long[] Shape, float[] Values)> tensors)
    {
        var writer = new SafetensorsWriter();
        foreach (var (name, (shape, values)) in tensors)
        {
            var bytes = new byte[values.Length * sizeof(float)];
            Buffer.BlockCopy(values, 0, bytes, 0, bytes.Length);
            writer.Add(name, TensorType.F32, shape, bytes);
        }

        return writer;
    }

    // [experts, in, out]
    private (long[] Shape, float[] Values) Expanded(int layer, Func<ExpertSource, LinearSource> matrix)
    {
        var sources = Model.Weights.Layers[layer].Experts.Select(expert => (Mxfp4WeightSource)matrix(expert).Weight).ToList();
        var (outputs, inputs) = (sources[0].OutputSize, sources[0].InputSize);
        var all = new float[sources.Count * outputs * inputs];
        var rows = new float[outputs * inputs];
        for (var e = 0; e < sources.Count; e++)
        {
            var (blocks, scales) = (new byte[sources[e].Blocks.ByteLength], new byte[sources[e].Scales.ByteLength]);
            sources[e].Blocks.Read(0, blocks);
            sources[e].Scales.Read(0, scales);
            Mxfp4Format.Decode(blocks, scales, rows);
            for (var i = 0; i < rows.Length; i++)
            {
                all[(e * rows.Length) + (i % inputs * outputs) + (i / inputs)] = rows[i];
            }
        }

        return ([sources.Count, inputs, outputs], all);
    }
}
