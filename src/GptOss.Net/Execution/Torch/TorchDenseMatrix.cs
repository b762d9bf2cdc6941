using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A matrix of plain values, bfloat16 or float32, <c>[out, in]</c>.</summary>
internal sealed class TorchDenseMatrix(Tensor values) : TorchMatrix(values.shape[0], values.shape[1])
{
    public Tensor Values { get; } = values;

    public override void Dispose() => Values.Dispose();

    protected override Tensor Dequantize(long first, long count) => Values.narrow(0, first, count).to(ScalarType.Float32);
}
