using CsCheck;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

public sealed class LogProbabilityTests
{
    [Fact]
    public void They_are_of_the_model_itself_whatever_the_rules()
    {
        var options = new SamplingOptions
        {
            LogProbabilities = true,
            TopLogProbabilities = 2,
            Temperature = 0.5,
            TopK = 1,
            PresencePenalty = 1,
            LogitBias = new Dictionary<int, float> { [2] = 100 },
        };

        var token = Sample([MathF.Log(0.5f), MathF.Log(0.375f), MathF.Log(0.125f)], options);

        token.Id.Should().Be(2);
        token.LogProbability.Should().BeApproximately(MathF.Log(0.125f), 1e-6f);
        token.TopLogProbabilities!.Select(top => top.Id).Should().Equal(0, 1);
        token.TopLogProbabilities![0].LogProbability.Should().BeApproximately(MathF.Log(0.5f), 1e-6f);
    }

    [Fact]
    public void They_are_absent_unless_asked_for()
    {
        var token = Sample([1, 2, 3], new SamplingOptions());

        token.LogProbability.Should().BeNull();
        token.TopLogProbabilities.Should().BeNull();
    }

    [Fact]
    public void No_more_tokens_are_reported_than_there_are() =>
        Sample([1, 2, 3], new SamplingOptions { LogProbabilities = true, TopLogProbabilities = 20 })
            .TopLogProbabilities!.Select(top => top.Id).Should().Equal(2, 1, 0);

    [Fact]
    public void Many_improbable_tokens_count()
    {
        var row = new float[201_088];
        row.AsSpan(1).Fill(-12);

        var token = Sample(row, new SamplingOptions { LogProbabilities = true, Temperature = 0 });

        token.LogProbability.Should().BeApproximately((float)-Math.Log(1 + (201_087 * Math.Exp(-12))), 1e-5f);
    }

    [Fact]
    public void They_equal_a_softmax_in_double_precision() =>
        Gen.Select(Gen.Int[-40, 40].Select(step => step / 4f).Array[1, 700], Gen.Int[0, 20]).Sample(
            (row, topCount) =>
            {
                var token = Sample((float[])row.Clone(), new SamplingOptions { LogProbabilities = true, TopLogProbabilities = topCount });

                var logTotal = Math.Log(row.Sum(logit => Math.Exp(logit)));
                var sorted = Enumerable.Range(0, row.Length).OrderByDescending(id => row[id]).ThenBy(id => id).Take(topCount).ToArray();
                token.LogProbability.Should().BeApproximately((float)(row[token.Id] - logTotal), 1e-5f);
                var top = token.TopLogProbabilities ?? [];
                top.Select(entry => entry.Id).Should().Equal(sorted);
                top.Should().NotContain(entry => Math.Abs(entry.LogProbability - (row[entry.Id] - logTotal)) > 1e-5);
            },
            iter: 500);

    private static SampledToken Sample(float[] row, SamplingOptions options) =>
        new Sampler(row.Length).Sample(row, new SamplingState(options, [], 1).Next());
}
