using System.Text;
using System.Text.Json.Nodes;
using GptOss.Net.Checkpoint;
using GptOss.Net.Model;
using GptOss.Net.Tests.Checkpoint;

namespace GptOss.Net.Tests.Model;

public sealed class ModelConfigReaderTests
{
    private const string Original =
        """
        {"num_hidden_layers": 24, "num_experts": 32, "experts_per_token": 4, "vocab_size": 201088, "hidden_size": 2880,
         "intermediate_size": 2880, "swiglu_limit": 7.0, "head_dim": 64, "num_attention_heads": 64, "num_key_value_heads": 8,
         "sliding_window": 128, "initial_context_length": 4096, "rope_theta": 150000, "rope_scaling_factor": 32.0,
         "rope_ntk_alpha": 1, "rope_ntk_beta": 32}
        """;

    [Fact]
    public void Sizes_are_those_of_the_file()
    {
        var config = ConfigJson.Read();

        config.HiddenSize.Should().Be(96);
        config.IntermediateSize.Should().Be(64);
        (config.HeadCount, config.KVHeadCount, config.HeadDim).Should().Be((8, 2, 32));
        (config.ExpertCount, config.ExpertsPerToken).Should().Be((8, 2));
        (config.VocabularySize, config.SlidingWindow, config.MaxPositions).Should().Be((1024, 16, 4096));
        config.Rope.Should().Be(new YarnParameters { Theta = 150_000, Factor = 32, BetaFast = 32, BetaSlow = 1 });
        config.Quantization.Should().Be(QuantizationConfig.Mxfp4);
        config.TieWordEmbeddings.Should().BeFalse();
    }

    [Fact]
    public void Older_spelling_reads_the_same()
    {
        var older = ConfigJson.Read(json =>
        {
            var rope = json["rope_parameters"]!.DeepClone().AsObject();
            rope.Remove("rope_theta");
            json.Remove("rope_parameters");
            json["rope_scaling"] = rope;
            json["rope_theta"] = 150_000;
        });

        older.Rope.Should().Be(ConfigJson.Read().Rope);
    }

    [Fact]
    public void Absent_layer_types_alternate_from_sliding()
    {
        ConfigJson.Read(json => json.Remove("layer_types")).LayerKinds
            .Should().Equal(AttentionKind.Sliding, AttentionKind.Full, AttentionKind.Sliding, AttentionKind.Full);
    }

    [Fact]
    public void Layer_types_may_have_any_order()
    {
        ConfigJson.Read(json => json["layer_types"]![1] = "sliding_attention").LayerKinds
            .Should().Equal(AttentionKind.Sliding, AttentionKind.Sliding, AttentionKind.Sliding, AttentionKind.Full);
    }

    [Fact]
    public void Absent_truncate_means_what_it_means_to_transformers()
    {
        ConfigJson.Read(json => json["rope_parameters"]!.AsObject().Remove("truncate")).Rope.Truncate.Should().BeTrue();
    }

    [Fact]
    public void Default_rope_is_not_scaled()
    {
        ConfigJson.Read(json => json["rope_parameters"] = Unscaled(150_000)).Rope.Should().Be(new YarnParameters { Theta = 150_000 });
    }

    [Fact]
    public void Rope_may_be_spelled_in_several_ways_that_agree()
    {
        var config = ConfigJson.Read(json =>
        {
            var rope = json["rope_parameters"]!.DeepClone().AsObject();
            rope.Remove("rope_theta");
            rope["type"] = "yarn";
            rope["partial_rotary_factor"] = 1;
            json["rope_scaling"] = rope;
            json["rope_theta"] = 150_000;
            json["initial_context_length"] = 4096;
            json["experts_per_token"] = 2;
        });

        config.Should().BeEquivalentTo(ConfigJson.Read());
    }

    /// <summary>Whatever says two things at once, or asks for other arithmetic, is refused by name.</summary>
    [Theory]
    [InlineData("rope_scaling", """{"rope_type":"yarn","factor":16,"original_max_position_embeddings":4096,"truncate":false}""",
        "*rope_scaling*Factor = 16*rope_parameters says*Factor = 32*")]
    [InlineData("rope_scaling", """{"rope_type":"default"}""", "*rope_scaling*rope_parameters says*")]
    [InlineData("rope_theta", "10000", "*rope_parameters.rope_theta is 150000, but beside it rope_theta is 10000*")]
    [InlineData("rope_scaling_factor", "8", "*initial_context_length is absent*")]
    [InlineData("initial_context_length", "8192", "*initial_context_length is 8192; expected 4096*")]
    [InlineData("rope_parameters", """{"rope_type":"default","type":"yarn"}""", "*type is \"yarn\"; expected rope_type = \"default\"*")]
    [InlineData("rope_parameters", """{"rope_type":"default","factor":32}""", "*rope_parameters.factor is set*'default'*")]
    [InlineData("rope_parameters", """{"rope_type":"yarn","factor":32,"original_max_position_embeddings":4096,"short_factor":[1]}""",
        "*rope_parameters.short_factor is set*")]
    [InlineData("rope_parameters", """{"rope_type":"default","partial_rotary_factor":0.5}""",
        "*rope_parameters.partial_rotary_factor is 0.5; expected 1*")]
    [InlineData("experts_per_token", "4", "*experts_per_token is 4; expected num_experts_per_tok = 2*")]
    [InlineData("num_experts", "16", "*num_experts is 16; expected num_local_experts = 8*")]
    [InlineData("swiglu_alpha", "1.5", "*swiglu_alpha is 1.5; expected 1.702*")]
    [InlineData("partial_rotary_factor", "0.5", "*partial_rotary_factor is 0.5; expected 1*")]
    [InlineData("use_sliding_window", "false", "*use_sliding_window is false; expected true*")]
    [InlineData("final_logit_softcapping", "30.0", "*final_logit_softcapping is 30.0; expected none*")]
    [InlineData("scoring_func", "\"sigmoid\"", "*scoring_func is \"sigmoid\"; expected 'softmax'*")]
    public void Contradictions_and_other_arithmetic_are_refused_by_name(string field, string value, string message)
    {
        Reading(json => json[field] = JsonNode.Parse(value)).Should().Throw<CheckpointException>().WithMessage(message);
    }

    [Fact]
    public void Keys_that_ask_for_what_is_done_anyway_are_accepted()
    {
        var config = ConfigJson.Read(json =>
        {
            (json["swiglu_alpha"], json["partial_rotary_factor"], json["final_logit_softcapping"]) = (1.702, 1.0, null);
            (json["torch_dtype"], json["architectures"]) = ("bfloat16", new JsonArray("GptOssForCausalLM"));
        });

        config.UnknownKeys.Should().BeEmpty();
    }

    [Fact]
    public void Keys_that_are_not_known_are_listed_with_their_section()
    {
        var config = ConfigJson.Read(json =>
        {
            json["depth_scale"] = 0.5;
            json["nothing"] = new JsonObject();
            json["quantization_config"]!["rounding"] = "up";
        });

        config.UnknownKeys.Should().Equal("quantization_config.rounding", "depth_scale");
    }

    [Fact]
    public void A_model_type_may_be_absent()
    {
        ConfigJson.Read(json => json.Remove("model_type")).Should().BeEquivalentTo(ConfigJson.Read());
        Reading(json =>
        {
            json.Remove("model_type");
            json["architectures"] = new JsonArray("LlamaForCausalLM");
        }).Should().Throw<CheckpointException>().WithMessage("*architectures is 'LlamaForCausalLM'; expected 'GptOssForCausalLM'*");
    }

    [Fact]
    public void A_byte_order_mark_means_nothing()
    {
        ConfigJson.Parse('\uFEFF' + ConfigJson.Text()).Should().BeEquivalentTo(ConfigJson.Read());
    }

    [Fact]
    public void Original_names_are_read()
    {
        var config = ConfigJson.Parse(Original);

        (config.LayerCount, config.ExpertCount, config.ExpertsPerToken).Should().Be((24, 32, 4));
        config.LayerKinds[0].Should().Be(AttentionKind.Sliding);
        config.MaxPositions.Should().Be(131_072);
        config.Rope.Should().Be(
            new YarnParameters { Theta = 150_000, Factor = 32, BetaFast = 32, BetaSlow = 1, OriginalMaxPositions = 4096 });
        config.Quantization.Method.Should().Be(QuantizationMethod.Mxfp4);
        config.UnknownKeys.Should().BeEmpty();
    }

    [Fact]
    public void Absent_quantization_is_dense()
    {
        ConfigJson.Read(json => json.Remove("quantization_config")).Quantization.Should().Be(QuantizationConfig.None);
    }

    [Fact]
    public void Awq_is_read_with_its_group_size()
    {
        ConfigJson.Read(json => json["quantization_config"] = Awq()).Quantization
            .Should().Be(new QuantizationConfig(QuantizationMethod.Awq, 32));
    }

    [Theory]
    [InlineData("bits", "8", "*bits is 8; expected 4*")]
    [InlineData("version", "\"gemv\"", "*version is 'gemv'; expected 'gemm'*")]
    [InlineData("version", "\"marlin\"", "*version is 'marlin'*")]
    [InlineData("zero_point", "false", "*zero_point is false; expected true*")]
    [InlineData("group_size", "-1", "*group_size is -1*")]
    [InlineData("group_size", "128", "*hidden_size is 96; expected a multiple of 128*")]
    [InlineData("quant_method", "\"hqq\"", "*'hqq'*not supported*'mxfp4'*'awq'*'gptq'*")]
    [InlineData("quant_method", "\"bitsandbytes\"", "*'bitsandbytes'*not supported*")]
    [InlineData("quant_method", "null", "*quant_method is absent*")]
    public void Unsupported_quantization_names_the_format_and_what_is_supported(string field, string value, string message)
    {
        Reading(json =>
        {
            var awq = Awq();
            awq[field] = JsonNode.Parse(value);
            json["quantization_config"] = awq;
        }).Should().Throw<CheckpointException>().WithMessage(message);
    }

    [Theory]
    [InlineData("model_type", "\"llama\"", "*model_type is \"llama\"; expected 'gpt_oss'*")]
    [InlineData("hidden_size", "0", "*hidden_size is 0; expected an integer from 1*")]
    [InlineData("hidden_size", "-96", "*hidden_size is -96*")]
    [InlineData("hidden_size", "96.5", "*hidden_size is 96.5*")]
    [InlineData("hidden_size", "\"96\"", "*hidden_size is \"96\"*")]
    [InlineData("hidden_size", "99999999999999999999", "*hidden_size is 9999*")]
    [InlineData("hidden_size", "97", "*hidden_size is 97; expected a multiple of 32*")]
    [InlineData("intermediate_size", "65", "*intermediate_size is 65; expected a multiple of 32*")]
    [InlineData("num_attention_heads", "0", "*num_attention_heads is 0*")]
    [InlineData("num_attention_heads", "1048576", "*at most 1048576 values*")]
    [InlineData("num_key_value_heads", "3", "*num_key_value_heads is 3; expected a divisor of num_attention_heads = 8*")]
    [InlineData("head_dim", "31", "*head_dim is 31; expected an even number*")]
    [InlineData("num_local_experts", "null", "*num_local_experts is absent*")]
    [InlineData("num_local_experts", "2000000000", "*num_local_experts is 2000000000*")]
    [InlineData("num_experts_per_tok", "9", "*is 9; expected at most the 8 experts*")]
    [InlineData("num_hidden_layers", "1000000000", "*num_hidden_layers*from 1 to 256*")]
    [InlineData("num_hidden_layers", "5", "*layer_types is 4 entries; expected num_hidden_layers = 5*")]
    [InlineData("layer_types", "[\"full\"]", "*layer_types is 'full'*")]
    [InlineData("layer_types", "[1]", "*layer_types*a string*")]
    [InlineData("layer_types", "{}", "*layer_types*a list*")]
    [InlineData("vocab_size", "0", "*vocab_size is 0*")]
    [InlineData("sliding_window", "null", "*sliding_window is absent*")]
    [InlineData("rms_norm_eps", "-1", "*rms_norm_eps is -1*")]
    [InlineData("rms_norm_eps", "1e999", "*rms_norm_eps is 1e999*")]
    [InlineData("swiglu_limit", "0", "*swiglu_limit is 0*")]
    [InlineData("hidden_act", "\"gelu\"", "*hidden_act is \"gelu\"*")]
    [InlineData("attention_bias", "false", "*attention_bias is false; expected true*")]
    [InlineData("tie_word_embeddings", "1", "*tie_word_embeddings is 1*")]
    [InlineData("rope_parameters", "null", "*rope_parameters is absent*")]
    [InlineData("rope_parameters", "[]", "*rope_parameters must be a JSON object*")]
    [InlineData("rope_parameters", "{\"rope_type\":\"llama3\"}", "*rope_type is 'llama3'*")]
    [InlineData("rope_parameters", "{\"rope_type\":\"yarn\"}", "*rope_parameters.factor is absent*")]
    [InlineData("rope_parameters", "{\"rope_type\":\"yarn\",\"factor\":32,\"attention_factor\":2}",
        "*attention_factor is 2; expected none*")]
    [InlineData("rope_parameters",
        "{\"rope_type\":\"yarn\",\"factor\":32,\"beta_fast\":1,\"beta_slow\":1,\"original_max_position_embeddings\":4}", "*fast > slow*")]
    [InlineData("quantization_config", "1", "*quantization_config must be a JSON object*")]
    public void Wrong_value_is_named_with_what_is_expected(string field, string value, string message)
    {
        Reading(json => json[field] = JsonNode.Parse(value)).Should().Throw<CheckpointException>().WithMessage(message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"model_type\":\"gpt_oss\",\"model_type\":\"gpt_oss\"}")]
    [InlineData("{\"model_type\":\"\\ud800\"}")]
    [InlineData("{\"model_type\":\"gpt_oss\"} x")]
    public void Damaged_file_is_refused(string json)
    {
        FluentActions.Invoking(() => ConfigJson.Parse(json)).Should().Throw<CheckpointException>().Which.File.Should().Be("config.json");
    }

    [Fact]
    public void Written_config_reads_the_same()
    {
        var config = ConfigJson.Read(json =>
        {
            json["quantization_config"] = Awq();
            json["layer_types"]![0] = "full_attention";
            json["rope_parameters"]!["truncate"] = true;
            json["tie_word_embeddings"] = true;
            json["swiglu_limit"] = 5.25;
        });

        var read = ModelConfigReader.Parse(ModelConfigWriter.Write(config), "config.json");

        read.Should().BeEquivalentTo(config, options => options.WithStrictOrdering());
    }

    [Fact]
    public void Mutated_configs_map_the_weights_or_are_refused()
    {
        using var checkpoint = SafetensorsCheckpoint.Open(Fixtures.ModelDirectory("a"));
        var source = Encoding.UTF8.GetBytes(ConfigJson.Text());
        var (read, cases) = (0, LongTests.Cases(10_000, 1_000_000));
        for (var seed = 0; seed < cases; seed++)
        {
            try
            {
                var config = ModelConfigReader.Parse(JsonMutator.Mutate(source, seed), "config.json");
                read++;
                _ = ModelWeightsReader.Read(config, checkpoint);
            }
            catch (CheckpointException)
            {
                // The only exception there may be.
            }
        }

        read.Should().BeInRange(cases / 50, cases * 9 / 10);
    }

    private static JsonObject Unscaled(double theta) => new() { ["rope_type"] = "default", ["rope_theta"] = theta };

    private static Action Reading(Action<JsonObject> change) => () => ConfigJson.Read(change);

    private static JsonObject Awq() => new()
    {
        ["quant_method"] = "awq",
        ["bits"] = 4,
        ["version"] = "gemm",
        ["group_size"] = 32,
        ["zero_point"] = true,
    };
}
