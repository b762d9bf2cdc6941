using TorchSharp;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>One expert: gate and up projections, clamped SwiGLU, down projection.</summary>
/// <param name="gateUp">Both projections with interleaved rows (even = gate), or <see langword="null"/> when they are apart.</param>
/// <param name="gate">The gate projection when apart.</param>
/// <param name="up">The up projection when apart.</param>
/// <param name="down">The down projection.</param>
/// <param name="limit">Where SwiGLU clamps.</param>
internal sealed class TorchExpert(TorchLinear? gateUp, TorchLinear? gate, TorchLinear? up, TorchLinear down, double limit)
    : IDisposable
{
    private static readonly Scalar Alpha = 1.702;

    private readonly Scalar _limit = limit;
    private readonly Scalar _negativeLimit = -limit;

    /// <summary><paramref name="x"/>: float32 <c>[rows, hidden]</c>; the result likewise.</summary>
    public Tensor Forward(Tensor x)
    {
        var (g, u) = Project(x);
        return down.Forward(SwiGlu(g, u));
    }

    public void Dispose()
    {
        gateUp?.Dispose();
        gate?.Dispose();
        up?.Dispose();
        down.Dispose();
        _limit.Dispose();
        _negativeLimit.Dispose();
    }

    private (Tensor Gate, Tensor Up) Project(Tensor x)
    {
        if (gateUp is null)
        {
            return (gate!.Forward(x), up!.Forward(x));
        }

        var pairs = gateUp.Forward(x).view(x.shape[0], -1, 2); // [rows, intermediate, 2]
        return (pairs.select(2, 0), pairs.select(2, 1));
    }

    // openai/gpt-oss, torch/model.py: swiglu. The gate has no lower bound.
    private Tensor SwiGlu(Tensor g, Tensor u)
    {
        var gated = g.clamp_max(_limit);
        var linear = u.clamp(_negativeLimit, _limit);
        return gated.mul(gated.mul(Alpha).sigmoid_()).mul_(linear.PlusInPlace(TorchScalars.One));
    }
}
