using static TorchSharp.torch;

namespace DemoModelTrainer.Training;

/// <summary>
/// Rounds weights in the forward pass to what the checkpoint can hold, while gradients pass unchanged
/// (straight-through), so that the shipped weights behave as trained.
/// </summary>
internal static class FakeQuantization
{
    private const int BlockSize = 32;

    /// <summary>Rounds to MXFP4: 32 values along the last dimension share a power of two.</summary>
    public static Tensor ToMxfp4(Tensor weight) => PassGradient(weight, RoundToMxfp4(weight.detach()));

    /// <summary>Rounds to bfloat16.</summary>
    public static Tensor ToBFloat16(Tensor weight) =>
        PassGradient(weight, weight.detach().to(ScalarType.BFloat16).to(ScalarType.Float32));

    public static Tensor RoundToMxfp4(Tensor weight)
    {
        var blocks = weight.reshape(-1, BlockSize);
        var largest = blocks.abs().amax([1], keepdim: true).clamp(min: 1e-30);
        var scale = exp2(largest.log2().floor() - 2);
        var scaled = blocks / scale;
        var magnitude = scaled.abs();
        var coarse = where(magnitude < 4, full_like(magnitude, 1.0), full_like(magnitude, 2.0));
        var step = where(magnitude < 2, full_like(magnitude, 0.5), coarse);
        return ((scaled / step).round() * step).clamp(-6, 6).mul(scale).reshape(weight.shape);
    }

    private static Tensor PassGradient(Tensor weight, Tensor rounded) => weight + (rounded - weight.detach());
}
