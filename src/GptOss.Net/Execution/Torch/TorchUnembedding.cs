using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>The final norm and the output projection.</summary>
internal sealed class TorchUnembedding(Device device, TorchRmsNorm norm, TorchDenseMatrix matrix) : IDisposable
{
    public Device Device { get; } = device;

    /// <summary>The logits of <paramref name="x"/>, float32 <c>[rows, hidden]</c>: float32 <c>[rows, vocabulary]</c>.</summary>
    public Tensor Forward(Tensor x) =>
        matrix.Multiply(norm.Forward(x));

    public void Dispose()
    {
        norm.Dispose();
        matrix.Dispose();
    }
}
