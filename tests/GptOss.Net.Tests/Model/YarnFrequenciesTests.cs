using GptOss.Net.Model;

namespace GptOss.Net.Tests.Model;

/// <summary>Rotary angles against the official arithmetic, written down here operation by operation in float32.</summary>
public sealed class YarnFrequenciesTests
{
    // gpt-oss-20b
    private const int HeadDim = 64;
    private static readonly YarnParameters Rope = new() { Theta = 150_000, Factor = 32, BetaFast = 32, BetaSlow = 1 };

    [Fact]
    public void Frequencies_are_the_official_float32_ones()
    {
        YarnFrequencies.InverseFrequencies(Rope, HeadDim).Should().Equal(OfficialFrequencies());
    }

    [Fact]
    public void Unscaled_frequencies_are_one_over_the_float32_power()
    {
        var official = Enumerable.Range(0, HeadDim / 2).Select(i => 1f / Power(i));

        YarnFrequencies.InverseFrequencies(new YarnParameters { Theta = 150_000 }, HeadDim).Should().Equal(official);
        YarnFrequencies.Concentration(new YarnParameters { Theta = 150_000 }).Should().Be(1);
    }

    [Fact]
    public void Cosines_and_sines_are_those_of_the_float32_product_at_every_position_of_the_model()
    {
        var official = OfficialFrequencies();
        var frequencies = YarnFrequencies.InverseFrequencies(Rope, HeadDim);
        var concentration = YarnFrequencies.Concentration(Rope);
        var (cosines, sines) = (new float[HeadDim / 2], new float[HeadDim / 2]);
        var largest = 0f;
        for (var position = 0; position < 131_072; position++)
        {
            YarnFrequencies.Angles(frequencies, concentration, position, cosines, sines);
            for (var i = 0; i < official.Length; i++)
            {
                float angle = (float)position * official[i];
                largest = MathF.Max(largest, MathF.Abs(cosines[i] - (MathF.Cos(angle) * 1.3465736f)));
                largest = MathF.Max(largest, MathF.Abs(sines[i] - (MathF.Sin(angle) * 1.3465736f)));
            }
        }

        // The last bit of a cosine, times the concentration. A product in double would be up to 0.005 off.
        largest.Should().BeLessThan(3e-7f);
    }

    // openai/gpt-oss, torch/model.py, RotaryEmbedding._compute_concentration_and_inv_freq: tensors are float32, bounds are Python floats.
    private static float[] OfficialFrequencies()
    {
        var low = (float)(32 * Math.Log(4096 / (32 * 2 * Math.PI)) / Math.Log(150_000));
        var high = (float)(32 * Math.Log(4096 / (1 * 2 * Math.PI)) / Math.Log(150_000));
        return
        [
            .. Enumerable.Range(0, HeadDim / 2).Select(i =>
            {
                var frequency = Power(i);
                var interpolation = 1f / (32f * frequency);
                var extrapolation = 1f / frequency;
                var ramp = (i - low) / (high - low);
                var mask = 1f - Math.Clamp(ramp, 0f, 1f);
                var stretched = interpolation * (1f - mask);
                var kept = extrapolation * mask;
                return stretched + kept;
            }),
        ];
    }

    private static float Power(int i) => (float)Math.Pow(150_000, (float)(2 * i) / HeadDim);
}
