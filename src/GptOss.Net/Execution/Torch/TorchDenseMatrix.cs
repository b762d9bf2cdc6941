using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A matrix held in the compute type, <c>[out, in]</c>.</summary>
internal sealed class TorchDenseMatrix(Tensor values) : TorchMatrix(values.dtype)
{
    public Tensor Values { get; } = values;

    public override Tensor Dequantize() => Values.alias();

    public override void Dispose() => Values.Dispose();
}
