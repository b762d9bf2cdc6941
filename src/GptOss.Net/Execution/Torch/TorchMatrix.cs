using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A weight matrix on a device, in whatever form it is stored. Products are float32.</summary>
internal abstract class TorchMatrix : IDisposable
{
    /// <summary>The values as float32 <c>[out, in]</c>; belongs to the caller's dispose scope.</summary>
    public abstract Tensor Dequantize();

    /// <summary><c>x Wᵀ</c> for <paramref name="x"/> of float32 <c>[tokens, in]</c>.</summary>
    public virtual Tensor Multiply(Tensor x) => matmul(x, Dequantize().t());

    public abstract void Dispose();
}
