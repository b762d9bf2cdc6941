using GptOss.Net.Execution.Cpu.Kernels;

namespace GptOss.Net.Execution.Cpu;

/// <summary>The form of the activations in front of each matrix; the same in every layer, so that buffers can be shared.</summary>
internal sealed record ActivationFormats(
    ActivationFormat Attention,
    ActivationFormat AttentionOutput,
    ActivationFormat Mlp,
    ActivationFormat Down,
    ActivationFormat Unembedding)
{
    public static ActivationFormats Of(CpuWeights weights, bool quantize)
    {
        return new(
            Common(weights.Layers.SelectMany(layer => new[] { layer.Query, layer.Key, layer.Value })),
            Common(weights.Layers.Select(layer => layer.Output)),
            Common(weights.Layers.SelectMany(layer => layer.GateUp)),
            Common(weights.Layers.SelectMany(layer => layer.Down)),
            Common(weights.End is { } end ? [end.Unembedding] : []));

        // Every format of weights takes float32.
        ActivationFormat Common(IEnumerable<CpuMatrix> matrices) =>
            quantize && matrices.Select(matrix => matrix.Format.FastInput).Distinct().ToArray() is [var one]
                ? one
                : ActivationFormat.Float32;
    }
}
