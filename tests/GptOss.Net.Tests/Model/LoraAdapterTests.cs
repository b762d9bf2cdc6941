namespace GptOss.Net.Tests.Model;

/// <summary>LoRA adapters in PEFT's format, against checkpoints that the same adapter was merged into.</summary>
public sealed class LoraAdapterTests : IDisposable
{
    private readonly LoraFixture _fixture = new();

    public void Dispose() => _fixture.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_adapter_over_attention_and_experts_gives_the_logits_of_the_merged_weights(bool rankStabilized)
    {
        AddLinears();
        AddExperts();
        var scale = LoraFixture.Alpha / (rankStabilized ? Math.Sqrt(LoraFixture.Rank) : LoraFixture.Rank);

        _fixture.ShouldGiveLogitsOf(
            _fixture.Save(config: ("use_rslora", rankStabilized)),
            tensors => LoraFixture.AddDeltas(tensors, _fixture.Tensors, _ => scale));
    }

    [Fact]
    public async Task Adapters_of_the_options_are_merged_one_after_the_other()
    {
        AddLinears();
        var first = _fixture.Save();
        var linears = _fixture.Tensors.ToDictionary();
        _fixture.Tensors.Clear();
        AddExperts();
        var second = _fixture.Save("second");
        using var merged = _fixture.Merged(tensors =>
        {
            LoraFixture.AddDeltas(tensors, linears, _ => LoraFixture.Alpha / LoraFixture.Rank);
            LoraFixture.AddDeltas(tensors, _fixture.Tensors, _ => LoraFixture.Alpha / LoraFixture.Rank);
        });
        var prompt = _fixture.Model.Cases[0].InputIds;

        await using var model = await GptOssModel.LoadAsync(
            _fixture.Model.Directory,
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
        _fixture.Add("model.layers.1.self_attn.k_proj", 160, 64);

        _fixture.Merging(_fixture.Save()).Should().Throw<CheckpointException>().WithMessage("*[64, 160]*[256, 160]*").Which.Tensor.Should()
            .Be("model.layers.1.self_attn.k_proj");
    }

    [Theory]
    [InlineData("model.layers.3.self_attn.q_proj")]
    [InlineData("model.layers.0.mlp.gate")]
    [InlineData("model.embed_tokens")]
    public void A_module_that_the_model_does_not_have_is_refused_by_name(string module)
    {
        _fixture.Add(module, 160, 256);

        _fixture.Merging(_fixture.Save()).Should().Throw<CheckpointException>().WithMessage($"*cannot be merged: {module}*");
    }

    [Fact]
    public void Experts_of_another_number_are_refused()
    {
        _fixture.Add("model.layers.0.mlp.experts", 160, 192, width: 4 * 3);

        _fixture.Merging(_fixture.Save()).Should().Throw<CheckpointException>().WithMessage("*5 experts*");
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
        _fixture.Add("model.layers.0.self_attn.q_proj", 160, 256);

        _fixture.Merging(_fixture.Save(config: (key, value))).Should().Throw<CheckpointException>().WithMessage($"*{told}*");
    }

    [Fact]
    public void A_tensor_without_its_other_half_is_refused()
    {
        _fixture.Add("model.layers.0.self_attn.q_proj", 160, 256);
        _fixture.Tensors.Remove("base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight");

        _fixture.Merging(_fixture.Save()).Should().Throw<CheckpointException>().WithMessage("*no lora_B*");
    }

    [Fact]
    public void A_folder_without_an_adapter_is_told() =>
        _fixture.Merging(_fixture.Directory).Should().Throw<CheckpointException>().WithMessage("*adapter_config.json*");

    private void AddLinears()
    {
        for (var layer = 0; layer < _fixture.Model.Config.LayerCount; layer += 2)
        {
            _fixture.Add($"model.layers.{layer}.self_attn.q_proj", 160, 256);
            _fixture.Add($"model.layers.{layer}.self_attn.o_proj", 256, 160);
            _fixture.Add($"model.layers.{layer}.mlp.router", 160, 5);
        }

        _fixture.Add("lm_head", 160, 777);
    }

    // As PEFT nests them: the parameter that was wrapped first is the inner one.
    private void AddExperts()
    {
        _fixture.Add("model.layers.1.mlp.experts.base_layer", 160, 192, LoraFixture.Rank * 5);
        _fixture.Add("model.layers.1.mlp.experts", 96, 160, LoraFixture.Rank * 5);
        _fixture.Add("model.layers.2.mlp.experts", 160, 192, LoraFixture.Rank * 5);
    }
}
