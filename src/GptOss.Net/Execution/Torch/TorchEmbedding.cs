using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>The token embedding.</summary>
internal sealed class TorchEmbedding(Device device, TorchDenseMatrix matrix) : IDisposable
{
    public Device Device { get; } = device;

    /// <summary>Where the residual stream of some tokens begins, float32 <c>[tokens, hidden]</c>.</summary>
    public Tensor Forward(ReadOnlySpan<int> tokenIds) =>
        matrix.Values.index_select(0, tensor(tokenIds.ToArray(), device: Device)).to(ScalarType.Float32);

    public void Dispose() => matrix.Dispose();
}
