using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>Consecutive layers on one device, with the embedding or the unembedding where the placement puts them there.</summary>
internal sealed class TorchStage(
    Device device,
    TorchDenseMatrix? embedding,
    IReadOnlyList<TorchLayer> layers,
    TorchRmsNorm? finalNorm,
    TorchDenseMatrix? unembedding) : IDisposable
{
    public Device Device { get; } = device;

    public bool HoldsEmbedding => embedding is not null;

    public bool HoldsUnembedding => unembedding is not null;

    /// <summary>The residual stream of some tokens, float32 <c>[tokens, hidden]</c>.</summary>
    public Tensor Embed(ReadOnlySpan<int> tokenIds)
    {
        var ids = tensor(tokenIds.ToArray(), device: Device);
        return embedding!.Values.index_select(0, ids).to(ScalarType.Float32);
    }

    /// <summary>Runs the stage's layers on <paramref name="x"/>, float32 <c>[tokens, hidden]</c>.</summary>
    public Tensor Forward(Tensor x, TorchSequenceView sequence)
    {
        foreach (var layer in layers)
        {
            x = layer.Forward(x, sequence);
        }

        return x;
    }

    /// <summary>The logits of <paramref name="x"/>, float32 <c>[rows, vocabulary]</c>.</summary>
    public Tensor Unembed(Tensor x) =>
        unembedding!.Multiply(finalNorm!.Forward(x).to(unembedding.Values.dtype)).to(ScalarType.Float32);

    public void Dispose()
    {
        embedding?.Dispose();
        finalNorm?.Dispose();
        unembedding?.Dispose();
        foreach (var layer in layers)
        {
            layer.Dispose();
        }
    }
}
