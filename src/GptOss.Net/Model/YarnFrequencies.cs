namespace GptOss.Net.Model;

/// <summary>Rotary frequencies under YaRN, as openai/gpt-oss computes them (<c>torch/model.py</c>, <c>RotaryEmbedding</c>).</summary>
internal static class YarnFrequencies
{
    /// <summary>The angle by which each pair of dimensions turns per position, <c>[headDim / 2]</c>.</summary>
    public static float[] InverseFrequencies(YarnParameters rope, int headDim)
    {
        var half = headDim / 2;
        var frequencies = new float[half];
        var (low, high) = RampBounds(rope, headDim);
        for (var i = 0; i < half; i++)
        {
            var extrapolated = Math.Pow(rope.Theta, -2.0 * i / headDim);
            var interpolated = extrapolated / rope.Factor;

            // 0 below the ramp (fast dimensions keep their frequency), 1 above it (slow ones are stretched).
            var stretch = rope.Factor > 1 ? Math.Clamp((i - low) / (high - low), 0, 1) : 0;
            frequencies[i] = (float)((interpolated * stretch) + (extrapolated * (1 - stretch)));
        }

        return frequencies;
    }

    /// <summary>The factor on cosine and sine that keeps attention's temperature: <c>0.1 ln(factor) + 1</c>.</summary>
    public static float Concentration(YarnParameters rope) =>
        rope.Factor > 1 ? (float)((0.1 * Math.Log(rope.Factor)) + 1.0) : 1f;

    private static (double Low, double High) RampBounds(YarnParameters rope, int headDim)
    {
        var low = Dimension(rope.BetaFast);
        var high = Dimension(rope.BetaSlow);
        if (rope.Truncate)
        {
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        }

        low = Math.Max(low, 0);
        high = Math.Min(high, headDim - 1);
        return (low, high > low ? high : low + 0.001);

        // The pair of dimensions that turns `rotations` times over the original context.
        double Dimension(double rotations) =>
            headDim / 2.0 * Math.Log(rope.OriginalMaxPositions / (rotations * 2 * Math.PI)) / Math.Log(rope.Theta);
    }
}
