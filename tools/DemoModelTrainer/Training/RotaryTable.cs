using static TorchSharp.torch;

namespace DemoModelTrainer.Training;

/// <summary>Cosines and sines of the rotary embedding with YaRN scaling, <c>[positions, headDim / 2]</c> each.</summary>
internal sealed class RotaryTable : IDisposable
{
    private readonly Tensor _cos;
    private readonly Tensor _sin;

    public RotaryTable(NanoConfig config, int positions)
    {
        var frequencies = Frequencies(config);
        var concentration = (0.1 * Math.Log(config.RopeFactor)) + 1;
        var half = frequencies.Length;
        var (cosines, sines) = (new float[positions * half], new float[positions * half]);
        for (var index = 0; index < cosines.Length; index++)
        {
            var angle = index / half * frequencies[index % half];
            cosines[index] = (float)(Math.Cos(angle) * concentration);
            sines[index] = (float)(Math.Sin(angle) * concentration);
        }

        _cos = tensor(cosines, [positions, half]).DetachFromDisposeScope();
        _sin = tensor(sines, [positions, half]).DetachFromDisposeScope();
    }

    /// <summary>Rotates <paramref name="x"/>, <c>[…, tokens, headDim]</c>, whose first token is at position 0.</summary>
    public Tensor Rotate(Tensor x)
    {
        var (tokens, half) = (x.shape[^2], x.shape[^1] / 2);
        var (cos, sin) = (_cos.narrow(0, 0, tokens), _sin.narrow(0, 0, tokens));
        var (first, second) = (x.narrow(-1, 0, half), x.narrow(-1, half, half));
        return cat([(first * cos) - (second * sin), (second * cos) + (first * sin)], dim: -1);
    }

    public void Dispose()
    {
        _cos.Dispose();
        _sin.Dispose();
    }

    private static double[] Frequencies(NanoConfig config)
    {
        var half = config.HeadDim / 2;
        double RampBound(double rotations) =>
            half * Math.Log(config.OriginalMaxPositions / (rotations * 2 * Math.PI)) / Math.Log(config.RopeTheta);
        var (low, high) = (RampBound(config.RopeBetaFast), RampBound(config.RopeBetaSlow));
        var frequencies = new double[half];
        for (var index = 0; index < half; index++)
        {
            var plain = Math.Pow(config.RopeTheta, -(double)index / half);
            var interpolated = Math.Clamp((index - low) / (high - low), 0, 1);
            frequencies[index] = (plain * (1 - interpolated)) + (plain / config.RopeFactor * interpolated);
        }

        return frequencies;
    }
}
