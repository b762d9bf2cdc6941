using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A weight matrix on a device, in whatever form it is stored.</summary>
/// <param name="computeType">The element type of products.</param>
internal abstract class TorchMatrix(ScalarType computeType) : IDisposable
{
    protected ScalarType ComputeType { get; } = computeType;

    /// <summary>The values as <c>[out, in]</c> in the compute type; belongs to the caller's dispose scope.</summary>
    public abstract Tensor Dequantize();

    /// <summary><c>x Wᵀ</c> for <paramref name="x"/> of <c>[tokens, in]</c> in the compute type.</summary>
    public Tensor Multiply(Tensor x) => matmul(x, Dequantize().t());

    public abstract void Dispose();
}
