using GptOss.Net.KVCache;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>Consecutive layers on one device.</summary>
internal sealed class TorchStage(Device device, IReadOnlyList<TorchLayer> layers) : IDisposable
{
    public Device Device { get; } = device;

    /// <summary>Runs the layers on <paramref name="x"/>, the residual stream, float32 <c>[tokens, hidden]</c>.</summary>
    public Tensor Forward(Tensor x, TorchSequenceView sequence)
    {
        foreach (var layer in layers)
        {
            x = layer.Forward(x, sequence);
        }

        return x;
    }

    /// <summary>Copies blocks, one after the other, in every layer of their kind.</summary>
    public void Copy(IReadOnlyList<BlockCopy> copies)
    {
        foreach (var copy in copies)
        {
            foreach (var layer in layers)
            {
                layer.Copy(copy);
            }
        }
    }

    public void Dispose()
    {
        foreach (var layer in layers)
        {
            layer.Dispose();
        }
    }
}
