using GptOss.Net.Checkpoint;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Model;

public sealed class OriginalWeightsReaderTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly ModelConfig _config = ConfigJson.Read();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Same_weights_under_the_original_names_map_to_the_same_bytes()
    {
        using var huggingFace = SafetensorsCheckpoint.Open(Fixtures.ModelDirectory("a"));
        using var original = ToOriginal(StoredTensors.OfFixture("a")).Write(_directory, _config);

        var expected = Tensors(ModelWeightsReader.Read(_config, huggingFace)).Select(StoredTensors.Bytes);
        var actual = Tensors(ModelWeightsReader.Read(_config, original)).Select(StoredTensors.Bytes);

        actual.Should().BeEquivalentTo(expected, options => options.WithStrictOrdering());
    }

    [Fact]
    public void Wrong_shape_of_the_fused_projection_is_refused()
    {
        var tensors = ToOriginal(StoredTensors.OfFixture("a"));
        var (type, _, values) = tensors["block.0.attn.qkv.weight"];
        tensors["block.0.attn.qkv.weight"] = (type, [96, 384], values);
        using var original = tensors.Write(_directory, _config);

        FluentActions.Invoking(() => ModelWeightsReader.Read(_config, original))
            .Should().Throw<CheckpointException>().WithMessage("*asks for [384, 96]*");
    }

    private static StoredTensors ToOriginal(StoredTensors tensors)
    {
        tensors.Rename("model.embed_tokens.weight", "embedding.weight");
        tensors.Rename("lm_head.weight", "unembedding.weight");
        tensors.Rename("model.norm.weight", "norm.scale");
        for (var layer = 0; layer < 4; layer++)
        {
            var (from, to) = ($"model.layers.{layer}", $"block.{layer}");
            tensors.Rename($"{from}.input_layernorm.weight", $"{to}.attn.norm.scale");
            tensors.Rename($"{from}.post_attention_layernorm.weight", $"{to}.mlp.norm.scale");
            tensors.Rename($"{from}.self_attn.sinks", $"{to}.attn.sinks");
            foreach (var part in new[] { "weight", "bias" })
            {
                tensors.Join($"{to}.attn.qkv.{part}", [.. "qkv".Select(c => $"{from}.self_attn.{c}_proj.{part}")]);
                tensors.Rename($"{from}.self_attn.o_proj.{part}", $"{to}.attn.out.{part}");
                tensors.Rename($"{from}.mlp.router.{part}", $"{to}.mlp.gate.{part}");
            }

            foreach (var (name, fused) in new[] { ("gate_up_proj", "mlp1"), ("down_proj", "mlp2") })
            {
                tensors.Rename($"{from}.mlp.experts.{name}_blocks", $"{to}.mlp.{fused}_weight.blocks");
                tensors.Rename($"{from}.mlp.experts.{name}_scales", $"{to}.mlp.{fused}_weight.scales");
                tensors.Rename($"{from}.mlp.experts.{name}_bias", $"{to}.mlp.{fused}_bias");
            }
        }

        return tensors;
    }

    private static IEnumerable<CheckpointTensor> Tensors(ModelWeights weights) =>
    [
        weights.Embedding.Values, weights.FinalNorm, weights.Unembedding.Values,
        .. weights.Layers.SelectMany(layer => new[] { layer.AttentionNorm, layer.Sinks, layer.MlpNorm }),
        .. weights.Layers.SelectMany(layer => new[] { layer.Query, layer.Key, layer.Value, layer.Output, layer.Router }).SelectMany(Tensors),
        .. weights.Layers.SelectMany(layer => layer.Experts).SelectMany(expert => new[] { expert.GateUp!, expert.Down }).SelectMany(Tensors),
    ];

    private static IEnumerable<CheckpointTensor> Tensors(LinearSource linear) => linear.Weight switch
    {
        DenseWeightSource dense => [dense.Values, linear.Bias!],
        Mxfp4WeightSource mxfp4 => [mxfp4.Blocks, mxfp4.Scales, linear.Bias!],
        _ => throw new InvalidOperationException(),
    };
}
