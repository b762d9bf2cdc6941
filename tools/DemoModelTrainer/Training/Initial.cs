using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace DemoModelTrainer.Training;

/// <summary>Initial values of weights.</summary>
internal static class Initial
{
    /// <summary>Normal values with variance <c>1 / fanIn</c>.</summary>
    public static Parameter Matrix(Generator generator, int fanIn, params long[] shape) =>
        Parameter(randn(shape, generator: generator) / Math.Sqrt(fanIn));
}
