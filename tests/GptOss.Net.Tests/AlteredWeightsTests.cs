using GptOss.Net.Checkpoint;
using GptOss.Net.Quantization;
using GptOss.Net.Tests.Model;

namespace GptOss.Net.Tests;

/// <summary>Weights that mean the same, and weights that mean nothing: equal logits, or an error with the tensor's name.</summary>
public sealed class AlteredWeightsTests
{
    private const string Experts = "model.layers.1.mlp.experts";
    private static readonly int[] Prompt = [5, 17, 903, 44, 44, 1, 700];

    public static TheoryData<string> Modes => [.. AlteredModel.Modes.Keys];

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task AWQ_turned_upside_down_with_negative_scales_gives_equal_logits(string mode)
    {
        var draft = new CheckpointDraft("a-awq");
        foreach (var name in draft.AwqMatrices())
        {
            draft.NegateAwq(name);
        }

        var expected = await AlteredModel.Logits(Fixtures.ModelDirectory("a-awq"), AlteredModel.Modes[mode], Prompt);

        (await AlteredModel.Logits(draft, AlteredModel.Modes[mode], Prompt)).Should().Equal(expected);
    }

    /// <summary>Tensor, mode and value of what is not finite, in every kind of tensor and form.</summary>
    public static TheoryData<string, string, string, float> NotFinite
    {
        get
        {
            var data = new TheoryData<string, string, string, float>();
            foreach (var mode in AlteredModel.Modes.Keys)
            {
                data.Add("a", "lm_head.weight", mode, float.NaN);
                data.Add("a", "model.embed_tokens.weight", mode, float.PositiveInfinity);
                data.Add("a", "model.layers.2.self_attn.q_proj.weight", mode, float.NaN);
                data.Add("a", "model.layers.2.self_attn.o_proj.bias", mode, float.NegativeInfinity);
                data.Add("a", "model.layers.0.mlp.router.weight", mode, float.NaN);
                data.Add("a-awq", "model.layers.3.mlp.experts.6.down_proj.scales", mode, float.PositiveInfinity);
                data.Add("a-awq", "model.layers.1.self_attn.k_proj.scales", mode, float.NaN);
            }

            foreach (var name in new[] { "model.norm.weight", "model.layers.3.self_attn.sinks", $"{Experts}.gate_up_proj_bias" })
            {
                data.Add("a", name, "exact", float.NaN);
                data.Add("a", name, "reference", float.NaN);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(NotFinite))]
    public async Task A_value_that_is_not_finite_is_refused_by_tensor(string fixture, string name, string mode, float value)
    {
        var draft = new CheckpointDraft(fixture);
        var (type, _, values) = draft.Tensors[name];
        var index = (values.Length / type.Size()) - 3;
        if (type == TensorType.BF16)
        {
            // The NaN whose rounding carries into the sign.
            draft.Values<ushort>(name)[index] = float.IsNaN(value) ? (ushort)0x7FFF : Bf16Format.FromSingle(value);
        }
        else
        {
            draft.Values<Half>(name)[index] = (Half)value;
        }

        var loading = () => AlteredModel.Logits(draft, AlteredModel.Modes[mode], Prompt);

        (await loading.Should().ThrowAsync<CheckpointException>().WithMessage("*NaN or infinite*")).Which.Tensor.Should().Be(name);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task An_MXFP4_scale_that_stands_for_NaN_is_refused_by_tensor(string mode)
    {
        var draft = new CheckpointDraft("b");
        const string Name = $"{Experts}.down_proj_scales";
        draft.Tensors[Name].Values[77] = byte.MaxValue;

        var loading = () => AlteredModel.Logits(draft, AlteredModel.Modes[mode], Prompt);

        (await loading.Should().ThrowAsync<CheckpointException>()).Which.Tensor.Should().Be(Name);
    }

    [Fact]
    public async Task A_range_that_an_int4_output_projection_cannot_hold_is_refused_by_tensor()
    {
        var draft = new CheckpointDraft("a");
        draft.Values<ushort>("lm_head.weight")[4] = Bf16Format.FromSingle(1e7f);

        var loading = () => AlteredModel.Logits(draft, AlteredModel.Modes["int4 output"], Prompt);

        (await loading.Should().ThrowAsync<CheckpointException>().WithMessage("*int4*982,560*")).Which.Tensor.Should().Be("lm_head.weight");
    }

    /// <summary>An AWQ matrix beside a dense one with the same values: either may be the dense one, BF16 or F32.</summary>
    [Theory]
    [InlineData("gate_proj", "exact")]
    [InlineData("up_proj", "exact")]
    [InlineData("down_proj", "exact")]
    [InlineData("gate_proj", "reference")]
    [InlineData("up_proj", "reference")]
    public async Task Gate_and_up_may_be_stored_differently(string dense, string mode)
    {
        var draft = new CheckpointDraft("a-awq");
        for (var expert = 0; expert < 8; expert++)
        {
            draft.ExpandAwq($"{Experts}.{expert}.{dense}");
        }

        var expected = await AlteredModel.Logits(Fixtures.ModelDirectory("a-awq"), AlteredModel.Modes[mode], Prompt);
        var logits = await AlteredModel.Logits(draft, AlteredModel.Modes[mode], Prompt);

        ModelFixture.RelativeError(logits, expected).Should().BeLessThan(1e-5);
    }

    [Fact]
    public async Task Gate_and_up_that_are_stored_differently_are_quantized_only_a_little()
    {
        var draft = new CheckpointDraft("a-awq");
        draft.ExpandAwq($"{Experts}.3.up_proj");
        var exact = await AlteredModel.Logits(Fixtures.ModelDirectory("a-awq"), AlteredModel.Exact, Prompt);
        var fast = await AlteredModel.Logits(Fixtures.ModelDirectory("a-awq"), AlteredModel.Fast, Prompt);

        var logits = await AlteredModel.Logits(draft, AlteredModel.Fast, Prompt);

        ModelFixture.RelativeError(logits, exact).Should().BeLessThan(1.5 * ModelFixture.RelativeError(fast, exact));
    }
}
