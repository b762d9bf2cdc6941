using GptOss.Net.KVCache;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>One transformer block (openai/gpt-oss, torch/model.py: TransformerBlock).</summary>
internal sealed class TorchLayer(
    TorchRmsNorm attentionNorm,
    TorchAttention attention,
    TorchRmsNorm mlpNorm,
    TorchExperts experts) : IDisposable
{
    /// <summary><paramref name="x"/>: the residual stream, float32 <c>[tokens, hidden]</c>; the result likewise.</summary>
    public Tensor Forward(Tensor x, TorchSequenceView sequence)
    {
        using var scope = NewDisposeScope();
        var middle = x.Plus(attention.Forward(attentionNorm.Forward(x), sequence));
        var result = middle.Plus(experts.Forward(mlpNorm.Forward(middle)));
        return result.MoveToOuterDisposeScope();
    }

    public void Copy(BlockCopy copy) => attention.Copy(copy);

    public void Dispose()
    {
        attentionNorm.Dispose();
        attention.Dispose();
        mlpNorm.Dispose();
        experts.Dispose();
    }
}
