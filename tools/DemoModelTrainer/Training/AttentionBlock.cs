using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DemoModelTrainer.Training;

/// <summary>RMSNorm, grouped-query attention with rotary positions and a sink per head, output projection.</summary>
internal sealed class AttentionBlock : Module<Tensor, Tensor, Tensor>
{
    private readonly NanoConfig _config;
    private readonly RotaryTable _rotary;

    public AttentionBlock(NanoConfig config, RotaryTable rotary, Generator generator)
        : base(nameof(AttentionBlock))
    {
        _config = config;
        _rotary = rotary;
        Norm = Parameter(ones(config.HiddenSize));
        var fused = config.QuerySize + (2 * config.KVSize);
        QkvWeight = Initial.Matrix(generator, config.HiddenSize, fused, config.HiddenSize);
        QkvBias = Parameter(zeros(fused));
        OutputWeight = Initial.Matrix(generator, config.QuerySize * 2 * config.LayerCount, config.HiddenSize, config.QuerySize);
        OutputBias = Parameter(zeros(config.HiddenSize));
        Sinks = Parameter(zeros(config.HeadCount));
        RegisterComponents();
    }

    public Parameter Norm { get; }

    /// <summary>Gets query, key and value projections, <c>[query + 2 kv, hidden]</c>.</summary>
    public Parameter QkvWeight { get; }

    public Parameter QkvBias { get; }

    public Parameter OutputWeight { get; }

    public Parameter OutputBias { get; }

    public Parameter Sinks { get; }

    /// <param name="x"><c>[batch, tokens, hidden]</c>.</param>
    /// <param name="mask">Added to the scores: <c>[tokens, tokens + 1]</c>; the last column is the sink's.</param>
    /// <returns>The residual's new value.</returns>
    public override Tensor forward(Tensor x, Tensor mask)
    {
        var (batch, tokens) = (x.shape[0], x.shape[1]);
        var normed = RmsNorm.Apply(x, Norm, _config.RmsNormEpsilon);
        var fused = functional.linear(normed, FakeQuantization.ToBFloat16(QkvWeight), FakeQuantization.ToBFloat16(QkvBias));
        Tensor Heads(long start, long count) =>
            fused.narrow(-1, start, count * _config.HeadDim).view(batch, tokens, count, _config.HeadDim).transpose(1, 2);
        var query = _rotary.Rotate(Heads(0, _config.HeadCount));
        var key = _rotary.Rotate(Heads(_config.QuerySize, _config.KVHeadCount));
        var value = Heads(_config.QuerySize + _config.KVSize, _config.KVHeadCount);
        var attended = Attend(query, key, value, mask).transpose(1, 2).reshape(batch, tokens, _config.QuerySize);
        return x + functional.linear(
            attended, FakeQuantization.ToBFloat16(OutputWeight), FakeQuantization.ToBFloat16(OutputBias));
    }

    /// <summary>
    /// The sink is a key of its own without a value: one more dimension holds the sink's logit in every query
    /// and 1 in that key only, so that the fused attention of libtorch can be used and trained.
    /// </summary>
    private Tensor Attend(Tensor query, Tensor key, Tensor value, Tensor mask)
    {
        var (batch, tokens) = (query.shape[0], query.shape[2]);
        var width = _config.HeadDim + 1;
        var sinkColumn = (FakeQuantization.ToBFloat16(Sinks) * Math.Sqrt(width)).view(1, -1, 1, 1).expand(batch, -1, tokens, 1);
        var queries = cat([query * Math.Sqrt((double)width / _config.HeadDim), sinkColumn], dim: -1);
        var sinkKey = zeros(tokens + 1, width);
        sinkKey[(int)tokens, width - 1] = 1f;
        var keys = ShareHeads(functional.pad(key, [0, 1, 0, 1]) + sinkKey);
        var values = ShareHeads(functional.pad(value, [0, 1, 0, 1]));
        return functional.scaled_dot_product_attention(queries, keys, values, mask).narrow(-1, 0, _config.HeadDim);
    }

    private Tensor ShareHeads(Tensor x)
    {
        var group = _config.HeadCount / _config.KVHeadCount;
        return x.unsqueeze(2).expand(-1, -1, group, -1, -1).reshape(x.shape[0], _config.HeadCount, x.shape[2], x.shape[3]);
    }
}
