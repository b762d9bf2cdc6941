using System.Collections.Immutable;
using GptOss.Net.Model;

namespace GptOss.Net.Placement;

/// <summary>The bytes that each part of the model takes in memory.</summary>
/// <param name="Embedding">The token embedding.</param>
/// <param name="Layers">The transformer blocks, in order.</param>
/// <param name="FinalNorm">The norm after the last block.</param>
/// <param name="Unembedding">The output projection.</param>
/// <param name="IsTied">Whether the output projection is the embedding: one copy serves both on the same device.</param>
internal sealed record MemoryEstimate(
    long Embedding, ImmutableArray<long> Layers, long FinalNorm, long Unembedding, bool IsTied)
{
    /// <summary>Gets what each of several devices has that share every layer, the ends included; empty: nobody does.</summary>
    public ImmutableArray<MemoryEstimate> Shares { get; init; } = [];

    /// <summary>Gets the bytes of the whole model on one device.</summary>
    public long Total => Embedding + Layers.Sum() + UnembeddingBytes(besideEmbedding: true);

    /// <summary>The bytes behind the last layer: final norm and output projection.</summary>
    public long UnembeddingBytes(bool besideEmbedding) => FinalNorm + (IsTied && besideEmbedding ? 0 : Unembedding);

    /// <summary>The bytes of a checkpoint's weights.</summary>
    public static MemoryEstimate Of(ModelConfig config, ModelWeights weights, WeightFormats storage) => new(
        MatrixBytes(weights.Embedding, storage),
        [.. weights.Layers.Select(layer => LayerBytes(config, layer, storage))],
        storage.DenseBytes(config.HiddenSize, weights.FinalNorm.ByteLength),
        MatrixBytes(weights.Unembedding, storage),
        weights.IsTied);

    /// <summary>The bytes of a model of which only the shape is known; its dense weights are stored as bfloat16.</summary>
    public static MemoryEstimate Of(ModelConfig config, WeightFormats storage)
    {
        long vocabulary = DenseBytes((long)config.VocabularySize * config.HiddenSize, storage);
        return new MemoryEstimate(
            vocabulary,
            [.. Enumerable.Repeat(LayerBytes(config, storage), config.LayerCount)],
            DenseBytes(config.HiddenSize, storage),
            vocabulary,
            config.TieWordEmbeddings);
    }

    private static long LayerBytes(ModelConfig config, LayerWeights layer, WeightFormats storage)
    {
        LinearSource[] linears = [layer.Query, layer.Key, layer.Value, layer.Output, layer.Router];
        return storage.DenseBytes(config.HiddenSize, layer.AttentionNorm.ByteLength)
            + storage.DenseBytes(config.HiddenSize, layer.MlpNorm.ByteLength)
            + storage.DenseBytes(config.HeadCount, layer.Sinks.ByteLength)
            + linears.Sum(linear => LinearBytes(linear, storage))
            + layer.Experts.Sum(expert => ExpertBytes(expert, storage));
    }

    private static long ExpertBytes(ExpertSource expert, WeightFormats storage) =>
        LinearBytes(expert.GateUp, storage) + LinearBytes(expert.Gate, storage)
        + LinearBytes(expert.Up, storage) + LinearBytes(expert.Down, storage);

    private static long LinearBytes(LinearSource? linear, WeightFormats storage)
    {
        if (linear is null)
        {
            return 0;
        }

        long bias = linear.Bias is null ? 0 : storage.DenseBytes(linear.Weight.OutputSize, linear.Bias.ByteLength);
        return MatrixBytes(linear.Weight, storage) + bias;
    }

    private static long MatrixBytes(WeightSource weight, WeightFormats storage)
    {
        long elements = (long)weight.OutputSize * weight.InputSize;
        return weight is DenseWeightSource
            ? storage.DenseBytes(elements, weight.ByteLength)
            : storage.QuantizedBytes(elements, weight.ByteLength);
    }

    private static long LayerBytes(ModelConfig config, WeightFormats storage)
    {
        long hidden = config.HiddenSize;
        long attention = LinearElements(config.QuerySize + (2L * config.KVSize), hidden)
            + LinearElements(hidden, config.QuerySize);
        long small = LinearElements(config.ExpertCount, hidden) + (2 * hidden) + config.HeadCount;
        long expert = ExpertMatrixBytes(config, 2L * config.IntermediateSize, hidden, storage)
            + ExpertMatrixBytes(config, hidden, config.IntermediateSize, storage)
            + DenseBytes((2L * config.IntermediateSize) + hidden, storage);
        return DenseBytes(attention + small, storage) + (config.ExpertCount * expert);
    }

    private static long LinearElements(long output, long input) => (output * input) + output;

    private static long ExpertMatrixBytes(ModelConfig config, long output, long input, WeightFormats storage)
    {
        long elements = output * input;
        long packed = elements / 2;
        long groups = elements / Math.Max(1, config.Quantization.GroupSize);
        return config.Quantization.Method switch
        {
            // One scale byte for each group.
            QuantizationMethod.Mxfp4 => storage.QuantizedBytes(elements, packed + groups),

            // A float16 scale and a zero point of 4 bits for each group.
            QuantizationMethod.Awq => storage.QuantizedBytes(elements, packed + (2 * groups) + (groups / 2)),
            _ => DenseBytes(elements, storage),
        };
    }

    private static long DenseBytes(long elements, WeightFormats storage) => storage.DenseBytes(elements, 2 * elements);
}
