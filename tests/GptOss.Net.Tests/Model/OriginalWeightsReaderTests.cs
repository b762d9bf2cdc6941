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
        using var original = Original().Write(_directory, _config);

        var expected = Tensors(ModelWeightsReader.Read(_config, huggingFace)).Select(StoredTensors.Bytes);
        var actual = Tensors(ModelWeightsReader.Read(_config, original)).Select(StoredTensors.Bytes);

        actual.Should().BeEquivalentTo(expected, options => options.WithStrictOrdering());
    }

    [Fact]
    public void Wrong_shape_of_the_fused_projection_is_refused()
    {
        var tensors = Original();
        var (type, _, values) = tensors["block.0.attn.qkv.weight"];
        tensors["block.0.attn.qkv.weight"] = (type, [96, 384], values);
        using var original = tensors.Write(_directory, _config);

        FluentActions.Invoking(() => ModelWeightsReader.Read(_config, original))
            .Should().Throw<CheckpointException>().WithMessage("*asks for [384, 96]*");
    }

    private static StoredTensors Original()
    {
        var tensors = StoredTensors.OfFixture("a");
        tensors.UseOriginalNames(layers: 4);
        return tensors;
    }

    private static IEnumerable<CheckpointTensor> Tensors(ModelWeights weights) =>
    [
        weights.Embedding.Values, weights.FinalNorm, weights.Unembedding.Values,
        .. weights.Layers.SelectMany(layer => new[] { layer.AttentionNorm, layer.Sinks, layer.MlpNorm }),
        .. weights.Layers.SelectMany(layer => new[] { layer.Query, layer.Key, layer.Value, layer.Output, layer.Router })
            .SelectMany(Tensors),
        .. weights.Layers.SelectMany(layer => layer.Experts).SelectMany(expert => new[] { expert.GateUp!, expert.Down })
            .SelectMany(Tensors),
    ];

    private static IEnumerable<CheckpointTensor> Tensors(LinearSource linear) => linear.Weight switch
    {
        DenseWeightSource dense => [dense.Values, linear.Bias!],
        Mxfp4WeightSource mxfp4 => [mxfp4.Blocks, mxfp4.Scales, linear.Bias!],
        _ => throw new InvalidOperationException(),
    };
}
