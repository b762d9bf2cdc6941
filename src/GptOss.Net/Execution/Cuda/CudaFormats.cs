using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda;

/// <summary>How the weights lie on the device; kernels are compiled for these formats.</summary>
/// <param name="Attention">Query, key, value and output projection.</param>
/// <param name="Unembedding">The output projection of the model.</param>
/// <param name="Experts">The experts.</param>
internal sealed record CudaFormats(DenseFormat Attention, DenseFormat Unembedding, ExpertFormat Experts)
{
    // A group of AWQ values must hold whole halves of a chunk.
    private const int GroupUnit = 32;

    /// <summary>Keeps what the checkpoint has, but for what is asked for; values in float32 and float16 become bfloat16.</summary>
    public static CudaFormats Of(ModelWeights weights, Precision precision)
    {
        var layers = weights.Layers;
        var attention = layers.SelectMany(layer => new[] { layer.Query, layer.Key, layer.Value, layer.Output });
        var experts = layers.SelectMany(layer => layer.Experts)
            .SelectMany(expert => new[] { expert.GateUp, expert.Gate, expert.Up, expert.Down });
        var expert = experts.OfType<LinearSource>().Select(linear => linear.Weight).ToArray();
        return new CudaFormats(
            attention.All(linear => KeepsInt4(linear.Weight)) ? DenseFormat.Int4
            : precision == Precision.Int8Dense ? DenseFormat.Int8
            : DenseFormat.Bf16,
            precision is Precision.Int8Dense or Precision.Int8Unembedding ? DenseFormat.Int8 : DenseFormat.Bf16,
            precision == Precision.ExpandedBFloat16 ? ExpertFormat.Bf16
            : Array.TrueForAll(expert, weight => weight is Mxfp4WeightSource) ? ExpertFormat.Mxfp4
            : Array.TrueForAll(expert, KeepsInt4) ? ExpertFormat.Int4
            : ExpertFormat.Bf16);
    }

    private static bool KeepsInt4(WeightSource weight) => weight is AwqWeightSource awq && awq.GroupSize % GroupUnit == 0;
}
