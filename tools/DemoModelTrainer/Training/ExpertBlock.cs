using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DemoModelTrainer.Training;

/// <summary>RMSNorm, router, and the chosen experts with clamped SwiGLU; every expert sees only its own tokens.</summary>
internal sealed class ExpertBlock : Module<Tensor, (Tensor Output, Tensor Imbalance)>
{
    private const double SwiGluAlpha = 1.702;
    private readonly NanoConfig _config;

    public ExpertBlock(NanoConfig config, Generator generator)
        : base(nameof(ExpertBlock))
    {
        _config = config;
        var (hidden, inner) = (config.HiddenSize, config.IntermediateSize);
        Norm = Parameter(ones(hidden));
        RouterWeight = Initial.Matrix(generator, hidden, config.ExpertCount, hidden);
        RouterBias = Parameter(zeros(config.ExpertCount));
        GateUpWeight = Initial.Matrix(generator, hidden, config.ExpertCount, 2 * inner, hidden);
        GateUpBias = Parameter(zeros(config.ExpertCount, 2 * inner));
        DownWeight = Initial.Matrix(generator, inner * 2 * config.LayerCount, config.ExpertCount, hidden, inner);
        DownBias = Parameter(zeros(config.ExpertCount, hidden));
        RegisterComponents();
    }

    public Parameter Norm { get; }

    public Parameter RouterWeight { get; }

    public Parameter RouterBias { get; }

    /// <summary>Gets <c>[experts, 2 · inner, hidden]</c>: all gate rows, then all up rows (the checkpoint interleaves them).</summary>
    public Parameter GateUpWeight { get; }

    public Parameter GateUpBias { get; }

    /// <summary>Gets <c>[experts, hidden, inner]</c>.</summary>
    public Parameter DownWeight { get; }

    public Parameter DownBias { get; }

    /// <param name="x"><c>[tokens, hidden]</c>.</param>
    /// <returns>The residual's new value, and how unevenly the experts are used (1 is even).</returns>
    public override (Tensor Output, Tensor Imbalance) forward(Tensor x)
    {
        var normed = RmsNorm.Apply(x, Norm, _config.RmsNormEpsilon);
        var logits = functional.linear(
            normed, FakeQuantization.ToBFloat16(RouterWeight), FakeQuantization.ToBFloat16(RouterBias));
        var (values, chosen) = logits.topk(_config.ExpertsPerToken, dim: -1);
        var weights = functional.softmax(values, dim: -1);
        var flat = chosen.flatten();
        var order = flat.argsort();
        var counts = flat.bincount(weights: null, minlength: _config.ExpertCount);
        var sorted = normed.index_select(0, order.floor_divide(_config.ExpertsPerToken));
        var outputs = RunExperts(sorted, counts.data<long>().ToArray())
            .index_select(0, order.argsort())
            .view(x.shape[0], _config.ExpertsPerToken, _config.HiddenSize);
        var share = counts.to(ScalarType.Float32) / flat.shape[0];
        var imbalance = (functional.softmax(logits, dim: -1).mean([0]) * share).sum() * _config.ExpertCount;
        return (x + (outputs * weights.unsqueeze(-1)).sum(1), imbalance);
    }

    private Tensor RunExperts(Tensor sorted, long[] counts)
    {
        var gateUp = FakeQuantization.ToMxfp4(GateUpWeight);
        var gateUpBias = FakeQuantization.ToBFloat16(GateUpBias);
        var down = FakeQuantization.ToMxfp4(DownWeight);
        var downBias = FakeQuantization.ToBFloat16(DownBias);
        List<Tensor> outputs = [];
        var start = 0L;
        for (var expert = 0; expert < counts.Length; expert++)
        {
            var inner = functional.linear(sorted.narrow(0, start, counts[expert]), gateUp[expert], gateUpBias[expert]);
            outputs.Add(functional.linear(SwiGlu(inner), down[expert], downBias[expert]));
            start += counts[expert];
        }

        return cat(outputs, dim: 0);
    }

    private Tensor SwiGlu(Tensor x)
    {
        var limit = _config.SwiGluLimit;
        var gate = x.narrow(-1, 0, _config.IntermediateSize).clamp(max: limit);
        var up = x.narrow(-1, _config.IntermediateSize, _config.IntermediateSize).clamp(-limit, limit);
        return gate * sigmoid(gate * SwiGluAlpha) * (up + 1);
    }
}
