using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution;
using GptOss.Net.Execution.Cpu;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests;

/// <summary>gpt-oss-120b: 36 layers of 128 experts, otherwise as wide as 20b.</summary>
public sealed partial class GptOss120bTests : IDisposable
{
    // openai/gpt-oss-120b, config.json.
    private const string Config = """
        {
          "architectures": ["GptOssForCausalLM"], "attention_bias": true, "attention_dropout": 0.0, "eos_token_id": 200002,
           "experts_per_token": 4,
          "head_dim": 64, "hidden_act": "silu", "hidden_size": 2880, "initial_context_length": 4096, "initializer_range": 0.02,
           "intermediate_size": 2880,
          "max_position_embeddings": 131072, "model_type": "gpt_oss", "num_attention_heads": 64, "num_experts_per_tok": 4,
           "num_hidden_layers": 36,
          "num_key_value_heads": 8, "num_local_experts": 128, "output_router_logits": false, "pad_token_id": 199999,
          "quantization_config": {
            "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
             "quant_method": "mxfp4"
          },
          "rms_norm_eps": 1e-05,
          "rope_scaling": {
            "beta_fast": 32.0, "beta_slow": 1.0, "factor": 32.0, "original_max_position_embeddings": 4096, "rope_type": "yarn",
             "truncate": false
          },
          "rope_theta": 150000, "router_aux_loss_coef": 0.9, "sliding_window": 128, "swiglu_limit": 7.0, "tie_word_embeddings": false,
           "use_cache": true,
          "vocab_size": 201088
        }
        """;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Its_config_is_read()
    {
        var config = ReadConfig();

        (config.LayerCount, config.ExpertCount, config.ExpertsPerToken, config.HiddenSize).Should().Be((36, 128, 4, 2880));
        config.UnknownKeys.Should().BeEmpty();
    }

    /// <summary>A file as long as the published ones together, whose values are holes: a plan reads names and shapes only.</summary>
    [Theory]
    [InlineData(2, 48)]
    [InlineData(4, 24)]
    [InlineData(8, 16)]
    public async Task It_is_planned_for_over_cards_before_it_is_read(int cards, int gibibytes)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere a file with holes may take the room of a whole one.");
        WriteCheckpoint(ReadConfig(), (stream, length) => stream.Position += length);
        new FileInfo(_directory.File("model.safetensors")).Length.Should().BeGreaterThan(60L << 30);
        var memory = Enumerable.Range(0, cards).ToDictionary(DeviceId.Cuda, _ => (long)gibibytes << 30);

        var plan = await GptOssModel.PlanAsync(
            _directory.Path,
            new GptOssModelOptions { MaxModelLength = 8_192, MaxSequences = 4 },
            memory,
            TestContext.Current.CancellationToken);

        TestContext.Current.TestOutputHelper!.WriteLine(plan.ToTable());
        plan.Stages.Sum(stage => stage.LayerCount).Should().Be(36);
        plan.Devices.Select(device => device.Device).Should().Equal(Enumerable.Range(0, cards).Select(DeviceId.Cuda));
        plan.Devices.Should().OnlyContain(device => device.TotalBytes <= device.FreeBytes);
        plan.Devices.Sum(device => device.WeightBytes).Should().BeInRange(60L << 30, 66L << 30);
    }

    [Theory]
    [InlineData(2, 48)]
    [InlineData(4, 24)]
    [InlineData(8, 16)]
    public async Task The_chat_prints_its_plan_for_a_machine_that_is_described(int cards, int gibibytes)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere a file with holes may take the room of a whole one.");
        var program = Path.Combine(AppContext.BaseDirectory, "..", "..", "ConsoleChat", "debug", "ConsoleChat.dll");
        Assert.SkipUnless(File.Exists(program), "Build samples/ConsoleChat first.");
        WriteCheckpoint(ReadConfig(), (stream, length) => stream.Position += length);
        string[] arguments = [program, "--model", _directory.Path, "--plan", $"{cards}x{gibibytes}GiB"];
        using var chat = Process.Start(new ProcessStartInfo("dotnet", arguments)
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;

        var output = await chat.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await chat.WaitForExitAsync(TestContext.Current.CancellationToken);

        chat.ExitCode.Should().Be(0, output);
        var layers = DeviceRow().Matches(output).Select(row => (First: Layer(row, "first"), Last: Layer(row, "last"))).ToList();
        layers.Should().HaveCount(cards);
        (layers[0].First, layers[^1].Last).Should().Be((0, 35));
        layers.Skip(1).Select(card => card.First).Should().Equal(layers.SkipLast(1).Select(card => card.Last + 1));
        output.Should().Contain("sequences of 32,000 tokens");
    }

    private static int Layer(Match row, string end) => int.Parse(row.Groups[end].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^cuda:\d .*?(?<first>\d+)-(?<last>\d+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex DeviceRow();

    [Fact]
    public void A_checkpoint_of_128_experts_and_36_layers_runs()
    {
        var config = ReadConfig() with { HiddenSize = 64, IntermediateSize = 64, HeadCount = 4, KVHeadCount = 2, VocabularySize = 256 };

        Run(config);
    }

    [Fact]
    public void Two_layers_of_its_own_shapes_run()
    {
        Assert.SkipUnless(LongTests.Enabled, "Set GPTOSS_LONG_TESTS=1: the file takes 3.5 GB.");

        Run(ReadConfig() with { VocabularySize = 4_096, LayerKinds = [AttentionKind.Sliding, AttentionKind.Full] });
    }

    private void Run(ModelConfig config)
    {
        var random = new Random(120);
        var noise = new byte[1 << 20];
        random.NextBytes(noise);
        WriteCheckpoint(config, (stream, length) =>
        {
            for (; length > 0; length -= noise.Length)
            {
                stream.Write(noise.AsSpan(0, (int)Math.Min(length, noise.Length)));
            }
        });
        using var checkpoint = CheckpointOpener.Open(_directory.Path);
        var capacity = new KVCacheCapacity(8, 8);
        using var executor = CpuExecutor.Load(
            config, ModelWeightsReader.Read(config, checkpoint), capacity, CpuExecutorOptions.Exact,
            new WeightReadProgress(0, (_, _) => { }, default));
        ExecutorDriver Driver(int maxStepTokens) => new(executor, capacity, config.SlidingWindow, maxStepTokens);
        int[] prompt = [.. Enumerable.Range(0, 12).Select(_ => random.Next(config.VocabularySize))];

        var logits = Driver(64).Logits(prompt)[0];

        logits.Should().HaveCount(prompt.Length * config.VocabularySize);
        logits.Should().OnlyContain(value => float.IsFinite(value));
        logits.Distinct().Count().Should().BeGreaterThan(config.VocabularySize, "the tokens do not all look alike");
        Driver(5).Logits(prompt)[0].SequenceEqual(logits).Should().BeTrue("a prompt in chunks has the same bits");
    }

    private ModelConfig ReadConfig() => ModelConfigReader.Parse(System.Text.Encoding.UTF8.GetBytes(Config), "config.json");

    /// <summary>Blocks of experts are what <paramref name="fill"/> writes; all else is small random numbers, or holes.</summary>
    private void WriteCheckpoint(ModelConfig config, Action<Stream, long> fill)
    {
        var writer = new SafetensorsWriter();
        var random = new Random(1);
        var hasHoles = config.VocabularySize > 100_000;
        void Dense(string name, params long[] shape)
        {
            var count = shape.Aggregate(1L, (product, dimension) => product * dimension);
            writer.Add(name, TensorType.BF16, shape, stream =>
            {
                if (hasHoles)
                {
                    stream.Position += 2 * count;
                    return;
                }

                for (var i = 0L; i < count; i++)
                {
                    var bits = Bf16Format.FromSingle((float)(random.NextDouble() - 0.5) * 0.2f);
                    stream.WriteByte((byte)bits);
                    stream.WriteByte((byte)(bits >> 8));
                }
            });
        }

        void Packed(string name, long outputs, long inputs)
        {
            long[] scales = [config.ExpertCount, outputs, inputs / Mxfp4Format.GroupSize];
            var count = scales.Aggregate(1L, (product, dimension) => product * dimension);
            writer.Add(
                $"{name}_blocks", TensorType.U8, [.. scales, Mxfp4Format.BlockBytes],
                stream => fill(stream, count * Mxfp4Format.BlockBytes));
            writer.Add($"{name}_scales", TensorType.U8, scales, stream =>
            {
                if (hasHoles)
                {
                    stream.Position += count;
                    return;
                }

                var row = new byte[4096];
                row.AsSpan().Fill(Mxfp4Format.ScaleBias - 6);
                for (var left = count; left > 0; left -= row.Length)
                {
                    stream.Write(row.AsSpan(0, (int)Math.Min(left, row.Length)));
                }
            });
            Dense($"{name}_bias", config.ExpertCount, outputs);
        }

        void Linear(string name, long outputs, long inputs)
        {
            Dense($"{name}.weight", outputs, inputs);
            Dense($"{name}.bias", outputs);
        }

        Dense("model.embed_tokens.weight", config.VocabularySize, config.HiddenSize);
        Dense("lm_head.weight", config.VocabularySize, config.HiddenSize);
        Dense("model.norm.weight", config.HiddenSize);
        for (var layer = 0; layer < config.LayerCount; layer++)
        {
            var block = $"model.layers.{layer}";
            Dense($"{block}.input_layernorm.weight", config.HiddenSize);
            Dense($"{block}.post_attention_layernorm.weight", config.HiddenSize);
            Linear($"{block}.self_attn.q_proj", config.QuerySize, config.HiddenSize);
            Linear($"{block}.self_attn.k_proj", config.KVSize, config.HiddenSize);
            Linear($"{block}.self_attn.v_proj", config.KVSize, config.HiddenSize);
            Linear($"{block}.self_attn.o_proj", config.HiddenSize, config.QuerySize);
            Dense($"{block}.self_attn.sinks", config.HeadCount);
            Linear($"{block}.mlp.router", config.ExpertCount, config.HiddenSize);
            Packed($"{block}.mlp.experts.gate_up_proj", 2L * config.IntermediateSize, config.HiddenSize);
            Packed($"{block}.mlp.experts.down_proj", config.HiddenSize, config.IntermediateSize);
        }

        CheckpointWriter.Write(_directory.Path, config, writer);
        var length = ExpectedLength(_directory.File("model.safetensors"));
        using var file = File.Open(_directory.File("model.safetensors"), FileMode.Open, FileAccess.Write);
        file.SetLength(Math.Max(file.Length, length));
    }

    // A hole at the end is no part of a file until its length is set: header and data, whose end the last offset tells.
    private static long ExpectedLength(string path)
    {
        using var stream = File.OpenRead(path);
        using var reader = new BinaryReader(stream);
        var header = reader.ReadInt64();
        using var json = System.Text.Json.JsonDocument.Parse(reader.ReadBytes((int)header));
        return 8 + header + json.RootElement.EnumerateObject()
            .Where(tensor => tensor.Name != "__metadata__")
            .Max(tensor => tensor.Value.GetProperty("data_offsets")[1].GetInt64());
    }
}
