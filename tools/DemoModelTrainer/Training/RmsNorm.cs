using static TorchSharp.torch;

namespace DemoModelTrainer.Training;

/// <summary>Root-mean-square normalisation with a learned scale.</summary>
internal static class RmsNorm
{
    public static Tensor Apply(Tensor x, Tensor scale, double epsilon) =>
        x * rsqrt(x.square().mean([-1], keepdim: true) + epsilon) * FakeQuantization.ToBFloat16(scale);
}
