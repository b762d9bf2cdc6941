using GptOss.Net.Execution.Cpu.Kernels;
using GptOss.Net.Model;
using GptOss.Net.Placement;

namespace GptOss.Net.Execution.Cpu;

/// <summary>In which form each weight lies in memory, and what that takes: the plan asks before anything is read.</summary>
internal sealed class CpuWeightFormats(CpuExecutorOptions options)
{
    /// <summary>The bytes of a model's weights. The embedding and the output projection are never one, even where they are tied.</summary>
    public MemoryEstimate Estimate(ModelConfig config, ModelWeights weights) => new(
        CpuMemory.Aligned(weights.Embedding.ByteLength),
        [.. weights.Layers.Select(layer => LayerBytes(config, layer))],
        CpuVector.BytesOf(config.HiddenSize),
        MatrixBytes(weights.Unembedding, OfUnembedding(weights.Unembedding)),
        IsTied: false);

    public CpuWeightFormat Of(WeightSource source) => source switch
    {
        Mxfp4WeightSource => CpuWeightFormat.Mxfp4,
        AwqWeightSource awq when MatrixReader.StaysPacked(awq) => CpuWeightFormat.Int4,
        _ when options.DenseInt8 => CpuWeightFormat.Int8,
        DenseWeightSource dense => AsStored(dense),
        _ => CpuWeightFormat.Float32,
    };

    /// <summary>Of two sources in one matrix: theirs, where it is the same; otherwise a form that holds any values.</summary>
    public CpuWeightFormat Of(WeightSource first, WeightSource second) =>
        Of(first) == Of(second) ? Of(first) : options.DenseInt8 ? CpuWeightFormat.Int8 : CpuWeightFormat.Float32;

    public CpuWeightFormat OfUnembedding(DenseWeightSource source) => options.UnembeddingInt4 ? CpuWeightFormat.Int4 : Of(source);

    /// <summary>Which expert a token takes hangs on small differences, and the matrix is small: it stays as stored.</summary>
    public static CpuWeightFormat OfRouter(LinearSource source) => AsStored((DenseWeightSource)source.Weight);

    /// <summary>Gates and ups in one matrix, each padded to whole blocks of gated activations.</summary>
    public static int GateUpRows(ModelConfig config) => 2 * RowGroup.Blocks(config.IntermediateSize) * RowGroup.BlockColumns;

    private static CpuWeightFormat AsStored(DenseWeightSource source) =>
        source.Values.Type == Checkpoint.TensorType.BF16 ? CpuWeightFormat.Bf16 : CpuWeightFormat.Float32;

    private static long MatrixBytes(WeightSource source, CpuWeightFormat format) =>
        CpuMatrix.BytesOf(format, source.OutputSize, source.InputSize);

    private long LayerBytes(ModelConfig config, LayerWeights layer)
    {
        LinearSource[] linears = [layer.Query, layer.Key, layer.Value, layer.Output, .. layer.Experts.Select(expert => expert.Down)];
        return linears.Sum(linear => MatrixBytes(linear.Weight, Of(linear.Weight)))
            + MatrixBytes(layer.Router.Weight, OfRouter(layer.Router))
            + layer.Experts.Sum(expert => CpuMatrix.BytesOf(OfGateUp(expert), GateUpRows(config), config.HiddenSize))
            + (2 * CpuVector.BytesOf(config.HiddenSize))
            + CpuVector.BytesOf(config.HeadCount);
    }

    private CpuWeightFormat OfGateUp(ExpertSource expert) =>
        expert.GateUp is { } fused ? Of(fused.Weight) : Of(expert.Gate!.Weight, expert.Up!.Weight);
}
