using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A linear layer: <c>y = x Wᵀ + b</c>.</summary>
internal sealed class TorchLinear(TorchMatrix weight, Tensor? bias) : IDisposable
{
    /// <summary><paramref name="x"/>: <c>[tokens, in]</c>; the result: <c>[tokens, out]</c>, both float32.</summary>
    public Tensor Forward(Tensor x)
    {
        var y = weight.Multiply(x);
        return bias is null ? y : y.PlusInPlace(bias);
    }

    public void Dispose()
    {
        weight.Dispose();
        bias?.Dispose();
    }
}
