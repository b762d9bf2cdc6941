namespace GptOss.Net.Model;

/// <summary>Maps the tensor names of OpenAI's own code (the <c>original</c> layout), which fuses query, key and value.</summary>
internal sealed class OriginalWeightsReader(ModelConfig config, TensorLookup tensors)
{
    private const string EmbeddingName = "embedding.weight";
    private const string UnembeddingName = "unembedding.weight";

    private readonly LinearReader _linears = new(config, tensors);
    private readonly FusedExpertsReader _fused = new(config, tensors);

    /// <summary>Also where one of them is missing, which is then told by its name here.</summary>
    public static bool Recognizes(TensorLookup tensors) => tensors.Contains(EmbeddingName) || tensors.Contains(UnembeddingName);

    public ModelWeights Read()
    {
        var embedding = Dense(EmbeddingName);
        return new ModelWeights(
            embedding,
            [.. Enumerable.Range(0, config.LayerCount).Select(ReadLayer)],
            tensors.Values("norm.scale", config.HiddenSize),
            config.TieWordEmbeddings ? tensors.Tied(embedding, UnembeddingName) : Dense(UnembeddingName));
    }

    private DenseWeightSource Dense(string name) =>
        new(config.VocabularySize, config.HiddenSize, tensors.Values(name, config.VocabularySize, config.HiddenSize));

    private LayerWeights ReadLayer(int layer)
    {
        var attention = $"block.{layer}.attn";
        var mlp = $"block.{layer}.mlp";
        var fused = _linears.ReadDense($"{attention}.qkv", config.QuerySize + (2 * config.KVSize), config.HiddenSize);
        return new LayerWeights(
            tensors.Values($"{attention}.norm.scale", config.HiddenSize),
            Rows(fused, 0, config.QuerySize),
            Rows(fused, config.QuerySize, config.KVSize),
            Rows(fused, config.QuerySize + config.KVSize, config.KVSize),
            _linears.ReadDense($"{attention}.out", config.HiddenSize, config.QuerySize),
            tensors.Values($"{attention}.sinks", config.HeadCount),
            tensors.Values($"{mlp}.norm.scale", config.HiddenSize),
            _linears.ReadDense($"{mlp}.gate", config.ExpertCount, config.HiddenSize),
            FusedExpertsReader.Pair(
                ReadExperts($"{mlp}.mlp1", 2 * config.IntermediateSize, config.HiddenSize),
                ReadExperts($"{mlp}.mlp2", config.HiddenSize, config.IntermediateSize)));
    }

    private LinearSource[] ReadExperts(string name, int outputSize, int inputSize) =>
        tensors.Contains($"{name}_weight")
            ? _fused.ReadDense($"{name}_weight", $"{name}_bias", outputSize, inputSize, isTransposed: false)
            : _fused.ReadMxfp4($"{name}_weight", '.', $"{name}_bias", outputSize, inputSize);

    private static LinearSource Rows(LinearSource fused, int first, int count)
    {
        var weight = (DenseWeightSource)fused.Weight;
        return new LinearSource(
            new DenseWeightSource(count, weight.InputSize, weight.Values.Rows(first, count)), fused.Bias?.Rows(first, count));
    }
}
