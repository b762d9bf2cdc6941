using System.Text.Json;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Model.Adapters;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Model;

/// <summary>LoRA adapters in PEFT's format, against checkpoints that the same adapter was merged into.</summary>
public sealed class LoraAdapterTests : IDisposable
{
    private const int Rank = 4;
    private const double Alpha = 6;

    private static readonly KVCacheCapacity Capacity = new(64, 64);

    private readonly TemporaryDirectory _directory = new();
    private readonly ModelFixture _fixture = new("b");
    private readonly Dictionary<string, (long[] Shape, float[] Values)> _adapter = new(StringComparer.Ordinal);

    public void Dispose()
    {
        _fixture.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_adapter_over_attention_and_experts_gives_the_logits_of_the_merged_weights(bool rankStabilized)
    {
        AddLinears();
        AddExperts();
        var scale = Alpha / (rankStabilized ? Math.Sqrt(Rank) : Rank);

        var logits = Logits(_fixture.Checkpoint, Save(rankStabilized));

        using var merged = Merged(scale);
        var expected = Logits(merged);
        ModelFixture.RelativeError(logits, expected).Should().BeLessThan(1e-5);
        ModelFixture.RelativeError(logits, Logits(_fixture.Checkpoint)).Should().BeGreaterThan(1e-2, "the adapter changes the model");
    }

    [Fact]
    public async Task Adapters_of_the_options_are_merged_one_after_the_other()
    {
        AddLinears();
        var first = Save();
        _adapter.Clear();
        AddExperts();
        var second = Save(name: "second");
        using var merged = Merged(Alpha / Rank, first);
        var prompt = _fixture.Cases[0].InputIds;

        await using var model = await GptOssModel.LoadAsync(
            _fixture.Directory,
            LoadedModels.Options with { Precision = Precision.Float32, Adapters = [first, second] },
            null,
            TestContext.Current.CancellationToken);
        await using var expected = await GptOssModel.LoadAsync(
            merged.Location, LoadedModels.Options with { Precision = Precision.Float32 }, null, TestContext.Current.CancellationToken);

        (await model.Ids(prompt, Generations.Greedy(12))).Should().Equal(await expected.Ids(prompt, Generations.Greedy(12)));
    }

    [Fact]
    public void An_adapter_of_another_shape_is_refused_by_name()
    {
        Add("model.layers.1.self_attn.k_proj", 160, 64);

        Merging(Save()).Should().Throw<CheckpointException>().WithMessage("*[64, 160]*[256, 160]*").Which.Tensor.Should()
            .Be("model.layers.1.self_attn.k_proj");
    }

    [Theory]
    [InlineData("model.layers.3.self_attn.q_proj")]
    [InlineData("model.layers.0.mlp.gate")]
    [InlineData("model.embed_tokens")]
    public void A_module_that_the_model_does_not_have_is_refused_by_name(string module)
    {
        Add(module, 160, 256);

        Merging(Save()).Should().Throw<CheckpointException>().WithMessage($"*cannot be merged: {module}*");
    }

    [Fact]
    public void Experts_of_another_number_are_refused()
    {
        Add("model.layers.0.mlp.experts", 160, 192, width: 4 * 3);

        Merging(Save()).Should().Throw<CheckpointException>().WithMessage("*5 experts*");
    }

    [Theory]
    [InlineData("peft_type", "IA3", "peft_type")]
    [InlineData("use_dora", true, "use_dora")]
    [InlineData("bias", "all", "bias")]
    [InlineData("modules_to_save", new[] { "lm_head" }, "modules_to_save")]
    [InlineData("rank_pattern", "x", "rank_pattern")]
    [InlineData("r", 0, "r is 0")]
    public void What_would_be_merged_otherwise_is_refused_by_name(string key, object value, string told)
    {
        Add("model.layers.0.self_attn.q_proj", 160, 256);
        var directory = Save();
        var config =
            JsonSerializer.Deserialize<Dictionary<string, object>>(File.ReadAllText(Path.Combine(directory, "adapter_config.json")))!;
        config[key] = value;
        File.WriteAllText(Path.Combine(directory, "adapter_config.json"), JsonSerializer.Serialize(config));

        Merging(directory).Should().Throw<CheckpointException>().WithMessage($"*{told}*");
    }

    [Fact]
    public void A_tensor_without_its_other_half_is_refused()
    {
        Add("model.layers.0.self_attn.q_proj", 160, 256);
        _adapter.Remove("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight");

        Merging(Save()).Should().Throw<CheckpointException>().WithMessage("*no lora_B*");
    }

    [Fact]
    public void A_folder_without_an_adapter_is_told() =>
        Merging(_directory.Path).Should().Throw<CheckpointException>().WithMessage("*adapter_config.json*");

    private void AddLinears()
    {
        for (var layer = 0; layer < _fixture.Config.LayerCount; layer += 2)
        {
            Add($"model.layers.{layer}.self_attn.q_proj", 160, 256);
            Add($"model.layers.{layer}.self_attn.o_proj", 256, 160);
            Add($"model.layers.{layer}.mlp.router", 160, 5);
        }

        Add("lm_head", 160, 777);
    }

    // As PEFT nests them: the parameter that was wrapped first is the inner one.
    private void AddExperts()
    {
        Add("model.layers.1.mlp.experts.base_layer", 160, 192, Rank * 5);
        Add("model.layers.1.mlp.experts", 96, 160, Rank * 5);
        Add("model.layers.2.mlp.experts", 160, 192, Rank * 5);
    }

    private void Add(string module, int inputs, int outputs, int width = Rank)
    {
        _adapter.Add($"base_model.model.{module}.lora_A.weight", ([width, inputs], Random(module.Length, width * inputs)));
        _adapter.Add($"base_model.model.{module}.lora_B.weight", ([outputs, width], Random(module.Length + 1, outputs * width)));
    }

    private static float[] Random(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5) * 0.2f)];
    }

    private string Save(bool rankStabilized = false, string name = "adapter")
    {
        var folder = _directory.File(name);
        Directory.CreateDirectory(folder);
        File.WriteAllText(
            Path.Combine(folder, "adapter_config.json"),
            JsonSerializer.Serialize(new Dictionary<string, object>
            {
                ["peft_type"] = "LORA",
                ["r"] = Rank,
                ["lora_alpha"] = Alpha,
                ["use_rslora"] = rankStabilized,
                ["bias"] = "none",
                ["target_modules"] = "all-linear",
                ["rank_pattern"] = new Dictionary<string, int>(),
            }));
        Writer(_adapter).Save(Path.Combine(folder, "adapter_model.safetensors"));
        return folder;
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

    private Action Merging(string directory) => () =>
    {
        using var adapter = LoraAdapter.Open(directory);
        LoraMerge.Merge(_fixture.Config, _fixture.Weights, adapter);
    };

    /// <summary>The checkpoint in float32, with what the adapters add; computed in another way than the library does.</summary>
    private SafetensorsCheckpoint Merged(double scale, string? other = null)
    {
        var tensors = new Dictionary<string, (long[] Shape, float[] Values)>(StringComparer.Ordinal);
        foreach (var tensor in _fixture.Checkpoint.Tensors.Values.Where(tensor => tensor.Type != TensorType.U8))
        {
            tensors.Add(tensor.Name, ([.. tensor.Shape], tensor.ReadSingles()));
        }

        for (var layer = 0; layer < _fixture.Config.LayerCount; layer++)
        {
            var experts = $"model.layers.{layer}.mlp.experts";
            tensors.Add($"{experts}.gate_up_proj", Expanded(layer, expert => expert.GateUp!));
            tensors.Add($"{experts}.down_proj", Expanded(layer, expert => expert.Down));
        }

        AddDeltas(tensors, _adapter, scale);
        if (other is not null)
        {
            using var file = SafetensorsFile.Open(Path.Combine(other, "adapter_model.safetensors"));
            AddDeltas(
                tensors, file.Tensors.ToDictionary(tensor => tensor.Name, tensor => (tensor.Shape.ToArray(), tensor.ReadSingles())), scale);
        }

        CheckpointWriter.Write(_directory.File("merged"), _fixture.Config with { Quantization = QuantizationConfig.None }, Writer(tensors));
        return SafetensorsCheckpoint.Open(_directory.File("merged"));
    }

    private static void AddDeltas(
        Dictionary<string, (long[] Shape, float[] Values)> tensors, Dictionary<string, (long[] Shape, float[] Values)> adapter,
        double scale)
    {
        foreach (var name in adapter.Keys.Where(name => name.Contains("lora_A", StringComparison.Ordinal)))
        {
            var (a, b) = (adapter[name], adapter[name.Replace("lora_A", "lora_B", StringComparison.Ordinal)]);
            var module =
                name["base_model.model.".Length..^".lora_A.weight".Length].Replace(".base_layer", string.Empty, StringComparison.Ordinal);
            var isExperts = module.EndsWith("experts", StringComparison.Ordinal);
            var target =
                tensors[!isExperts ? $"{module}.weight" : b.Shape[0] == 192 ? $"{module}.gate_up_proj" : $"{module}.down_proj"].Values;
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
                        target[isExperts ? (((e * inputs) + i) * outputs) + o : (o * inputs) + i] += (float)(scale * sum);
                    }
                }
            }
        }
    }

    // [experts, in, out]
    private (long[] Shape, float[] Values) Expanded(int layer, Func<ExpertSource, LinearSource> matrix)
    {
        var sources = _fixture.Weights.Layers[layer].Experts.Select(expert => (Mxfp4WeightSource)matrix(expert).Weight).ToList();
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

    private float[] Logits(ICheckpoint checkpoint, string? adapterDirectory = null)
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
        return new ExecutorDriver(executor, Capacity, config.SlidingWindow, maxStepTokens: 64).Logits(_fixture.Cases[0].InputIds)[0];
    }
}
