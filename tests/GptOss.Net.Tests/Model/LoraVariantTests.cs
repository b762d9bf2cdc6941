namespace GptOss.Net.Tests.Model;

/// <summary>What PEFT has beside one rank for all: patterns of ranks and alphas, DoRA, and modules that are saved whole.</summary>
public sealed class LoraVariantTests : IDisposable
{
    private readonly LoraFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Patterns_give_modules_other_ranks_and_alphas(bool rankStabilized)
    {
        _fixture.Add("model.layers.0.self_attn.q_proj", 160, 256, width: 2);
        _fixture.Add("model.layers.2.self_attn.q_proj", 160, 256, width: 3);
        _fixture.Add("model.layers.1.self_attn.o_proj", 256, 160);
        _fixture.Add("model.layers.1.mlp.experts.base_layer", 160, 192, width: 7 * 5);
        _fixture.Add("model.layers.1.mlp.experts", 96, 160, LoraFixture.Rank * 5);
        _fixture.Add("lm_head", 160, 777);
        var directory = _fixture.Save(config:
        [
            ("use_rslora", rankStabilized),
            ("rank_pattern", new Dictionary<string, int>
            {
                ["layers.2.self_attn.q_proj"] = 3, ["q_proj"] = 2, ["proj"] = 99, [@"layers\.\d+\.mlp\.experts\.gate_up_proj"] = 7,
            }),
            ("alpha_pattern", new Dictionary<string, double> { [".*(q|o)_proj"] = 9, ["lm_head"] = 1.5, ["experts.down_proj"] = 20 }),
        ]);
        var expected = new Dictionary<string, (int Rank, double Alpha)>
        {
            ["model.layers.0.self_attn.q_proj"] = (2, 9),
            ["model.layers.2.self_attn.q_proj"] = (3, 9),
            ["model.layers.1.self_attn.o_proj"] = (LoraFixture.Rank, 9),
            ["model.layers.1.mlp.experts.gate_up_proj"] = (7, LoraFixture.Alpha),
            ["model.layers.1.mlp.experts.down_proj"] = (LoraFixture.Rank, 20),
            ["lm_head"] = (LoraFixture.Rank, 1.5),
        };

        _fixture.ShouldGiveLogitsOf(directory, tensors => LoraFixture.AddDeltas(tensors, _fixture.Tensors, matrix =>
        {
            var (rank, alpha) = expected[matrix];
            return alpha / (rankStabilized ? Math.Sqrt(rank) : rank);
        }));
    }

    [Fact]
    public void Magnitudes_give_the_rows_of_merged_matrices_their_length()
    {
        (string Module, int Inputs, int Outputs)[] modules =
        [
            ("model.layers.0.self_attn.q_proj", 160, 256),
            ("model.layers.1.self_attn.v_proj", 160, 256),
            ("model.layers.1.self_attn.o_proj", 256, 160),
            ("model.layers.2.mlp.router", 160, 5),
            ("lm_head", 160, 777),
        ];
        foreach (var (module, inputs, outputs) in modules)
        {
            _fixture.Add(module, inputs, outputs);
            _fixture.AddWhole($"{module}.lora_magnitude_vector", outputs);
        }

        _fixture.ShouldGiveLogitsOf(_fixture.Save(config: ("use_dora", true)), tensors =>
        {
            LoraFixture.AddDeltas(tensors, _fixture.Tensors, _ => LoraFixture.Alpha / LoraFixture.Rank);
            foreach (var (module, inputs, outputs) in modules)
            {
                var magnitudes = _fixture.Tensors[$"{LoraFixture.Prefix}{module}.lora_magnitude_vector"].Values;
                var matrix = tensors[$"{module}.weight"].Values;
                for (var o = 0; o < outputs; o++)
                {
                    var row = matrix.AsSpan(o * inputs, inputs);
                    var norm = Math.Sqrt(row.ToArray().Sum(value => (double)value * value));
                    foreach (ref var value in row)
                    {
                        value = (float)(magnitudes[o] * value / norm);
                    }
                }
            }
        });
    }

    [Theory]
    [InlineData("")]
    [InlineData(".modules_to_save.default")]
    public void Modules_that_are_saved_whole_take_the_place_of_the_models(string between)
    {
        _fixture.Add("model.layers.0.self_attn.q_proj", 160, 256);
        _fixture.AddWhole($"lm_head{between}.weight", 777, 160);
        _fixture.AddWhole($"model.embed_tokens{between}.weight", 777, 160);
        _fixture.AddWhole($"model.norm{between}.weight", 160);
        _fixture.AddWhole($"model.layers.1.mlp.router{between}.weight", 5, 160);
        _fixture.AddWhole($"model.layers.1.mlp.router{between}.bias", 5);
        _fixture.AddWhole($"model.layers.2.mlp.experts{between}.gate_up_proj", 5, 160, 192);
        _fixture.AddWhole($"model.layers.2.mlp.experts{between}.gate_up_proj_bias", 5, 192);
        _fixture.AddWhole($"model.layers.2.mlp.experts{between}.down_proj", 5, 96, 160);
        _fixture.AddWhole($"model.layers.2.mlp.experts{between}.down_proj_bias", 5, 160);
        var directory = _fixture.Save(
            config: Saving("lm_head", "embed_tokens", "model.norm", "router", "mlp.experts"));

        _fixture.ShouldGiveLogitsOf(directory, tensors =>
        {
            LoraFixture.AddDeltas(tensors, _fixture.Tensors, _ => LoraFixture.Alpha / LoraFixture.Rank);
            foreach (var (name, values) in _fixture.Tensors.Where(tensor => !tensor.Key.Contains("lora_", StringComparison.Ordinal)))
            {
                var replaced = name[LoraFixture.Prefix.Length..].Replace(between + ".", ".", StringComparison.Ordinal);
                tensors.Should().ContainKey(replaced);
                tensors[replaced] = values;
            }
        });
    }

    [Fact]
    public void A_weight_that_was_saved_below_its_pair_is_what_the_pair_is_added_to()
    {
        _fixture.Add("lm_head", 160, 777);
        _fixture.AddWhole("lm_head.base_layer.weight", 777, 160);

        _fixture.ShouldGiveLogitsOf(_fixture.Save(), tensors =>
        {
            tensors["lm_head.weight"] = ([777, 160], [.. _fixture.Tensors[$"{LoraFixture.Prefix}lm_head.base_layer.weight"].Values]);
            LoraFixture.AddDeltas(tensors, _fixture.Tensors, _ => LoraFixture.Alpha / LoraFixture.Rank);
        });
    }

    [Fact]
    public void A_rank_that_the_config_does_not_say_is_refused_by_name()
    {
        _fixture.Add("model.layers.0.self_attn.q_proj", 160, 256);

        _fixture.Merging(_fixture.Save(config: ("rank_pattern", new Dictionary<string, int> { ["q_proj"] = 8 })))
            .Should().Throw<CheckpointException>().WithMessage("*rank 4*says 8*").Which.Tensor.Should()
            .Be("model.layers.0.self_attn.q_proj");
    }

    [Theory]
    [InlineData("(", 8, "rank_pattern is for '('")]
    [InlineData("(?=q)q_proj", 8, "look-around")]
    [InlineData("q_proj", 0, "rank_pattern.q_proj is 0")]
    public void A_pattern_that_cannot_be_read_is_refused_by_name(string pattern, int rank, string told)
    {
        _fixture.Add("model.layers.0.self_attn.q_proj", 160, 256);

        _fixture.Merging(_fixture.Save(config: ("rank_pattern", new Dictionary<string, int> { [pattern] = rank })))
            .Should().Throw<CheckpointException>().WithMessage($"*{told}*");
    }

    [Fact]
    public void Magnitudes_of_another_number_are_refused_by_name()
    {
        _fixture.Add("lm_head", 160, 777);
        _fixture.AddWhole("lm_head.lora_magnitude_vector", 160);

        _fixture.Merging(_fixture.Save(config: ("use_dora", true)))
            .Should().Throw<CheckpointException>().WithMessage("*lm_head.lora_magnitude_vector*[160]*777 rows*");
    }

    [Fact]
    public void Magnitudes_without_dora_or_of_experts_are_refused_by_name()
    {
        _fixture.Add("model.layers.1.mlp.experts", 96, 160, LoraFixture.Rank * 5);
        _fixture.AddWhole("model.layers.1.mlp.experts.lora_magnitude_vector", 160);

        _fixture.Merging(_fixture.Save(config: ("use_dora", true)))
            .Should().Throw<CheckpointException>().WithMessage("*experts*use_dora*");
        _fixture.Merging(_fixture.Save()).Should().Throw<CheckpointException>().WithMessage("*experts.lora_magnitude_vector*use_dora*");
    }

    [Theory]
    [InlineData("lm_head.weight", "lm_head", "*[3, 2]*[777, 160]*")]
    [InlineData("score.weight", "score", "*no place for: score.weight*")]
    [InlineData("model.layers.9.mlp.router.weight", "router", "*no place for: model.layers.9.mlp.router.weight*")]
    [InlineData("lm_head.weight", "model.norm", "*'model.norm'*modules_to_save*")]
    public void A_whole_weight_without_a_place_is_refused_by_name(string tensor, string module, string told)
    {
        _fixture.AddWhole(tensor, 3, 2);

        _fixture.Merging(_fixture.Save(config: Saving(module)))
            .Should().Throw<CheckpointException>().WithMessage(told);
    }

    [Fact]
    public void A_part_of_the_experts_is_refused_by_name()
    {
        _fixture.AddWhole("model.layers.2.mlp.experts.down_proj", 5, 96, 160);

        _fixture.Merging(_fixture.Save(config: Saving("experts")))
            .Should().Throw<CheckpointException>().WithMessage("*a part of model.layers.2.mlp.experts*");
    }

    [Fact]
    public void A_tensor_under_two_names_is_refused()
    {
        _fixture.AddWhole("lm_head.weight", 777, 160);
        _fixture.AddWhole("lm_head.default.weight", 777, 160);

        _fixture.Merging(_fixture.Save(config: Saving("lm_head")))
            .Should().Throw<CheckpointException>().WithMessage("*twice*");
    }

    private static (string Key, object Value) Saving(params string[] modules) => ("modules_to_save", modules);
}
