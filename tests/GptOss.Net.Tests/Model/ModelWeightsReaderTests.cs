using GptOss.Net.Checkpoint;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Model;

public sealed class ModelWeightsReaderTests : IDisposable
{
    private const string Experts = "model.layers.0.mlp.experts";

    private readonly TemporaryDirectory _directory = new();
    private readonly StoredTensors _tensors = StoredTensors.OfFixture("a");
    private readonly ModelConfig _config = ConfigJson.Read();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Missing_tensors_are_all_counted_and_the_first_named()
    {
        foreach (var name in _tensors.Keys.Where(name => name.Contains("_proj_bias", StringComparison.Ordinal)).ToList())
        {
            _tensors.Remove(name);
        }

        Reading(_config).Should().Throw<CheckpointException>()
            .WithMessage($"*lacks 8 of the tensors*{Experts}.gate_up_proj_bias, {Experts}.down_proj_bias*, …*");
    }

    [Fact]
    public void Missing_experts_are_asked_for_in_the_form_of_the_config()
    {
        foreach (var name in _tensors.Keys.Where(name => name.StartsWith(Experts, StringComparison.Ordinal)).ToList())
        {
            _tensors.Remove(name);
        }

        Reading(_config).Should().Throw<CheckpointException>().WithMessage($"*lacks 6 of*{Experts}.gate_up_proj_blocks*");
    }

    [Fact]
    public void Unknown_tensors_are_counted_and_named()
    {
        _tensors.Fill("model.layers.0.self_attn.rotary_emb.inv_freq", TensorType.F32, 16);
        _tensors.Fill("vision.weight", TensorType.F32, 16);

        Reading(_config).Should().Throw<CheckpointException>()
            .WithMessage("*has 2 tensors that gpt-oss does not: model.layers.0.self_attn.rotary_emb.inv_freq, vision.weight*");
    }

    [Fact]
    public void Layers_beyond_the_config_are_unknown()
    {
        var config = _config with { LayerKinds = _config.LayerKinds[..3] };

        Reading(config).Should().Throw<CheckpointException>().WithMessage("*model.layers.3.*");
    }

    [Theory]
    [InlineData("model.embed_tokens.weight")]
    [InlineData("lm_head.weight")]
    [InlineData("model.norm.weight")]
    [InlineData("model.layers.1.input_layernorm.weight")]
    [InlineData("model.layers.1.post_attention_layernorm.weight")]
    [InlineData("model.layers.1.self_attn.sinks")]
    [InlineData("model.layers.1.self_attn.k_proj.weight")]
    [InlineData("model.layers.1.self_attn.o_proj.bias")]
    [InlineData("model.layers.1.mlp.router.weight")]
    [InlineData("model.layers.1.mlp.experts.gate_up_proj_blocks")]
    [InlineData("model.layers.1.mlp.experts.gate_up_proj_scales")]
    [InlineData("model.layers.1.mlp.experts.down_proj_bias")]
    public void Wrong_shape_is_refused_with_both_shapes(string name)
    {
        var (type, shape, values) = _tensors[name];
        long[] other = shape.Length == 1 ? [shape[0] / 2, 2] : [shape[0] * shape[^1], .. shape[1..^1], 1];
        _tensors[name] = (type, other, values);

        Reading(_config).Should().Throw<CheckpointException>()
            .WithMessage($"*has shape *config.json asks for [{string.Join(", ", shape)}]*").Which.Tensor.Should().Be(name);
    }

    [Theory]
    [InlineData("model.norm.weight", "I16", "is I16; expected BF16 or F16 or F32")]
    [InlineData("model.layers.1.mlp.experts.down_proj_blocks", "I8", "is I8; expected U8")]
    public void Wrong_type_is_refused(string name, string type, string message)
    {
        _tensors[name] = (Enum.Parse<TensorType>(type), _tensors[name].Shape, _tensors[name].Values);

        Reading(_config).Should().Throw<CheckpointException>().WithMessage($"*{message}*").Which.Tensor.Should().Be(name);
    }

    [Fact]
    public void Mxfp4_without_its_config_is_refused()
    {
        Reading(_config with { Quantization = QuantizationConfig.None }).Should().Throw<CheckpointException>()
            .WithMessage("*stored as MXFP4*says None*");
    }

    [Fact]
    public void Awq_without_its_config_is_refused()
    {
        var awq = StoredTensors.OfFixture("a-awq");

        FluentActions.Invoking(() => Read(awq, _config))
            .Should().Throw<CheckpointException>().WithMessage("*stored as AWQ*says Mxfp4*");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Tied_embedding_is_the_unembedding(bool isStoredTwice)
    {
        _tensors.Remove("lm_head.weight");
        if (isStoredTwice)
        {
            var (_, shape, values) = _tensors["model.embed_tokens.weight"];
            _tensors.Add("lm_head.weight", (TensorType.BF16, shape, values));
        }

        var config = _config with { TieWordEmbeddings = true };
        using var checkpoint = _tensors.Write(_directory, config);

        ModelWeightsReader.Read(config, checkpoint).IsTied.Should().BeTrue();
    }

    [Fact]
    public void An_unembedding_that_is_tied_and_stored_with_other_values_is_refused()
    {
        Reading(_config with { TieWordEmbeddings = true }).Should().Throw<CheckpointException>()
            .WithMessage("*differs from model.embed_tokens.weight*tie_word_embeddings*").Which.Tensor.Should().Be("lm_head.weight");
    }

    [Fact]
    public void Missing_tensors_that_have_other_names_are_told_with_these()
    {
        foreach (var name in _tensors.Keys.ToList())
        {
            _tensors.Rename(name, "base_model." + name);
        }

        Reading(_config).Should().Throw<CheckpointException>()
            .WithMessage(
                "*lacks *model.embed_tokens.weight*It has 79 that gpt-oss does not: base_model.lm_head.weight, base_model.model.embed*");
    }

    [Fact]
    public void Fused_dense_experts_are_transposed()
    {
        ReplaceExperts((prefix, tensors) =>
        {
            tensors.Fill($"{prefix}.gate_up_proj", TensorType.BF16, 8, 96, 128);
            tensors.Fill($"{prefix}.down_proj", TensorType.BF16, 8, 64, 96);
        });
        var config = _config with { Quantization = QuantizationConfig.None };
        using var checkpoint = _tensors.Write(_directory, config);

        var expert = ModelWeightsReader.Read(config, checkpoint).Layers[2].Experts[5];

        var gateUp = expert.GateUp!.Weight.Should().BeOfType<DenseWeightSource>().Subject;
        (gateUp.OutputSize, gateUp.InputSize, gateUp.Transposed).Should().Be((128, 96, true));
        gateUp.Values.Shape.Should().Equal(96, 128);
        StoredTensors.Bytes(gateUp.Values).Should()
            .Equal(_tensors["model.layers.2.mlp.experts.gate_up_proj"].Values[(5 * 24_576)..(6 * 24_576)]);
    }

    [Fact]
    public void Separate_dense_experts_keep_gate_and_up_apart()
    {
        ReplaceExperts(
            (prefix, tensors) =>
            {
                for (var expert = 0; expert < 8; expert++)
                {
                    foreach (var (name, rows, columns) in new[] { ("gate", 64, 96), ("up", 64, 96), ("down", 96, 64) })
                    {
                        tensors.Fill($"{prefix}.{expert}.{name}_proj.weight", TensorType.F16, rows, columns);
                        tensors.Fill($"{prefix}.{expert}.{name}_proj.bias", TensorType.F32, rows);
                    }
                }
            },
            removeBias: true);
        var config = _config with { Quantization = QuantizationConfig.None };
        using var checkpoint = _tensors.Write(_directory, config);

        var expert = ModelWeightsReader.Read(config, checkpoint).Layers[0].Experts[7];

        expert.GateUp.Should().BeNull();
        (expert.Gate!.Weight.OutputSize, expert.Up!.Weight.OutputSize, expert.Down.Weight.OutputSize).Should().Be((64, 64, 96));
    }

    [Theory]
    [InlineData('.', "_bias")]
    [InlineData('_', "_bias")]
    [InlineData('.', ".bias")]
    public void Fused_awq_experts_are_sliced(char separator, string bias)
    {
        ReplaceExperts((prefix, tensors) =>
        {
            foreach (var (name, outputs, inputs) in new[] { ("gate_up_proj", 128, 96), ("down_proj", 96, 64) })
            {
                tensors.Fill($"{prefix}.{name}{separator}qweight", TensorType.I32, 8, inputs, outputs / 8);
                tensors.Fill($"{prefix}.{name}{separator}qzeros", TensorType.I32, 8, inputs / 32, outputs / 8);
                tensors.Fill($"{prefix}.{name}{separator}scales", TensorType.F16, 8, inputs / 32, outputs);
                if (bias != "_bias")
                {
                    tensors.Rename($"{prefix}.{name}_bias", prefix + "." + name + bias);
                }
            }
        });
        var config = _config with { Quantization = new QuantizationConfig(QuantizationMethod.Awq, 32) };
        using var checkpoint = _tensors.Write(_directory, config);

        var down = ModelWeightsReader.Read(config, checkpoint).Layers[1].Experts[2].Down;

        var weight = down.Weight.Should().BeOfType<AwqWeightSource>().Subject;
        weight.QWeight.Shape.Should().Equal(64, 12);
        weight.QZeros.Shape.Should().Equal(2, 12);
        weight.Scales.Shape.Should().Equal(2, 96);
        down.Bias!.Shape.Should().Equal(96);
        StoredTensors.Bytes(weight.Scales).Should().Equal(
            _tensors[$"model.layers.1.mlp.experts.down_proj{separator}scales"].Values[(2 * 384)..(3 * 384)]);
    }

    private Action Reading(ModelConfig config) => () => Read(_tensors, config);

    private void Read(StoredTensors tensors, ModelConfig config)
    {
        using var checkpoint = tensors.Write(_directory, config);
        _ = ModelWeightsReader.Read(config, checkpoint);
    }

    private void ReplaceExperts(Action<string, StoredTensors> add, bool removeBias = false)
    {
        for (var layer = 0; layer < 4; layer++)
        {
            var prefix = $"model.layers.{layer}.mlp.experts";
            foreach (var name in _tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).ToList())
            {
                if (removeBias || !name.EndsWith("_bias", StringComparison.Ordinal))
                {
                    _tensors.Remove(name);
                }
            }

            add(prefix, _tensors);
        }
    }
}
