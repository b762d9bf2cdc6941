using TorchSharp;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>RMSNorm in float32 (openai/gpt-oss, torch/model.py: RMSNorm).</summary>
/// <param name="scale">float32 <c>[hidden]</c>.</param>
/// <param name="epsilon">Added to the mean square.</param>
internal sealed class TorchRmsNorm(Tensor scale, double epsilon) : IDisposable
{
    private readonly Scalar _epsilon = epsilon;

    /// <summary><paramref name="x"/>: float32 <c>[tokens, hidden]</c>; the result has the same shape and type.</summary>
    public Tensor Forward(Tensor x)
    {
        var meanSquare = x.mul(x).mean([-1], keepdim: true); // [tokens, 1]
        return x.mul(meanSquare.PlusInPlace(_epsilon).rsqrt_()).mul_(scale);
    }

    public void Dispose()
    {
        scale.Dispose();
        _epsilon.Dispose();
    }
}
