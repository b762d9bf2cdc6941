namespace GptOss.Net.Model;

/// <summary>
/// Rotary angles under YaRN, as openai/gpt-oss computes them (<c>torch/model.py</c>, <c>RotaryEmbedding</c>).
/// </summary>
/// <remarks>
/// Frequencies, and their product with the position, are float32 there and in transformers. The rounding of that product grows with
/// the position and the model was trained with it: in double, angles are more exact and the logits further from the official ones.
/// </remarks>
internal static class YarnFrequencies
{
    /// <summary>The angle by which each pair of dimensions turns per position, <c>[headDim / 2]</c>.</summary>
    public static float[] InverseFrequencies(YarnParameters rope, int headDim)
    {
        var frequencies = new float[headDim / 2];
        var (low, high) = RampBounds(rope, headDim);
        for (var i = 0; i < frequencies.Length; i++)
        {
            // Rounded from double, which does not depend on the platform's float32 power.
            var wavelength = (float)Math.Pow((float)rope.Theta, 2f * i / headDim);
            var extrapolated = 1 / wavelength;
            var interpolated = 1 / ((float)rope.Factor * wavelength);

            // 1 below the ramp (fast dimensions keep their frequency), 0 above it (slow ones are stretched).
            var kept = rope.Factor > 1 ? 1 - Math.Clamp((i - low) / (high - low), 0, 1) : 1;
            frequencies[i] = (interpolated * (1 - kept)) + (extrapolated * kept);
        }

        return frequencies;
    }

    /// <summary>The factor on cosine and sine that keeps attention's temperature: <c>0.1 ln(factor) + 1</c>.</summary>
    public static float Concentration(YarnParameters rope) =>
        rope.Factor > 1 ? (float)((0.1 * Math.Log(rope.Factor)) + 1.0) : 1f;

    /// <summary>Computes the cosines and sines of a position, each times <paramref name="concentration"/>.</summary>
    /// <param name="frequencies">What <see cref="InverseFrequencies"/> gives, <c>[headDim / 2]</c>.</param>
    /// <param name="concentration">What <see cref="Concentration"/> gives.</param>
    /// <param name="position">The token's position, from 0.</param>
    /// <param name="cosines">Receives the cosines, <c>[headDim / 2]</c>.</param>
    /// <param name="sines">Receives the sines, <c>[headDim / 2]</c>.</param>
    public static void Angles(
        ReadOnlySpan<float> frequencies, float concentration, int position, Span<float> cosines, Span<float> sines)
    {
        for (var i = 0; i < frequencies.Length; i++)
        {
            var (sine, cosine) = Math.SinCos(position * frequencies[i]);
            cosines[i] = (float)cosine * concentration;
            sines[i] = (float)sine * concentration;
        }
    }

    private static (float Low, float High) RampBounds(YarnParameters rope, int headDim)
    {
        var low = Dimension(rope.BetaFast);
        var high = Dimension(rope.BetaSlow);
        if (rope.Truncate)
        {
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        }

        low = Math.Max(low, 0);
        high = Math.Min(high, headDim - 1);
        return ((float)low, (float)(high > low ? high : low + 0.001));

        // The pair of dimensions that turns `rotations` times over the original context.
        double Dimension(double rotations) =>
            headDim / 2.0 * Math.Log(rope.OriginalMaxPositions / (rotations * 2 * Math.PI)) / Math.Log(rope.Theta);
    }
}
