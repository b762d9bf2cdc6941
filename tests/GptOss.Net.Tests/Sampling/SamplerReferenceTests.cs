using CsCheck;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

public sealed class SamplerReferenceTests
{
    private static readonly long Samples = LongTests.Scale(2_000);

    private static readonly Gen<int> Vocabulary = Gen.OneOf(Gen.Int[2, 40], Gen.Const(256), Gen.Const(257), Gen.Int[500, 900]);

    // CsCheck's doubles are often simple fractions, which rounding decides.
    private static readonly Gen<double> Fractions = Gen.Int[1, 999_982].Select(n => n / 999_983.0);

    // A coarse grid (with both zeros) makes ties, a wide one makes peaks.
    private static readonly Gen<float[]> Rows = Vocabulary.SelectMany(size => Gen.OneOf(
        Gen.Int[-9, 8].Select(step => step == -9 ? -0f : step * 0.5f).Array[size],
        Gen.Float[-3, 3].Array[size],
        Gen.Float[-60, 60].Array[size],
        Gen.Const(0.25f).Array[size]));

    private static readonly Gen<SamplingOptions> Truncations = Gen.Select(
        Gen.OneOf(Gen.Const(0.0), Gen.Const(1.0), Gen.Double[0.1, 3]),
        Gen.OneOf(Gen.Const(0), Gen.Int[1, 10], Gen.Int[1, 1000]),
        Gen.OneOf(Gen.Const(1.0), Gen.Const(0.0), Fractions),
        Gen.OneOf(Gen.Const(0.0), Fractions),
        (temperature, topK, topP, minP) => new SamplingOptions { Temperature = temperature, TopK = topK, TopP = topP, MinP = minP });

    private static readonly Gen<SamplingOptions> Options = Gen.Select(
        Truncations,
        Gen.OneOf(Gen.Const(1.0), Gen.Double[0.5, 2]),
        Gen.OneOf(Gen.Const(0.0), Gen.Double[-2, 2]),
        Gen.OneOf(Gen.Const(0.0), Gen.Double[-2, 2]),
        Gen.Dictionary(Gen.Int[0, 1], Gen.Float[-9, 9])[0, 2],
        Gen.Long,
        Gen.Bool,
        (options, repetition, presence, frequency, bias, seed, logProbabilities) => options with
        {
            RepetitionPenalty = repetition,
            PresencePenalty = presence,
            FrequencyPenalty = frequency,
            LogitBias = bias,
            Seed = seed,
            LogProbabilities = logProbabilities,
            TopLogProbabilities = logProbabilities ? 3 : 0,
        });

    private int _tokens;
    private int _doubts;

    [Fact]
    public void Truncation_equals_sorting_everything()
    {
        Gen.Select(Rows, Truncations, Gen.Long).Sample(
            (row, options, seed) => Check(row, options with { Seed = seed }, [], _ => true), iter: Samples);

        _doubts.Should().BeLessThan(_tokens / 20);
    }

    [Fact]
    public void All_rules_together_equal_the_plain_reference()
    {
        Gen.Select(Rows, Options, Gen.Int[0, 39].Array[0, 8], Gen.Int[1, 4]).Sample(
            (row, options, prompt, modulus) => Check(
                row, options, [.. prompt.Where(id => id < row.Length)], id => modulus == 1 || id % modulus == 1),
            iter: Samples);

        _doubts.Should().BeLessThan(_tokens / 20);
    }

    private void Check(float[] row, SamplingOptions options, int[] prompt, Func<int, bool> isAllowed)
    {
        var sampler = new Sampler(row.Length);
        var sequence = new SamplingState(options, prompt, 0, new AllowedTokens(isAllowed, row.Length));
        var output = new List<int>();
        for (var step = 0; step < 4; step++)
        {
            var expected = ReferenceSampler.Sample(row, options, prompt, output, isAllowed, sequence.Next().Uniform);
            var token = sampler.Sample((float[])row.Clone(), sequence.Next()).Id;
            sequence.Accept(token);

            token.Should().Be(expected ?? token);
            output.Add(token);
            Interlocked.Increment(ref _tokens);
            Interlocked.Add(ref _doubts, expected is null ? 1 : 0);
        }
    }
}
