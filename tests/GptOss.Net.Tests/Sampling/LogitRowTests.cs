using System.Runtime.Intrinsics;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

public sealed class LogitRowTests
{
    [Fact]
    public void Exp_is_right_to_a_few_units_in_the_last_place()
    {
        for (var x = 0f; x > -87; x -= 0.00173f)
        {
            var exp = VectorExp.Exp(Vector256.Create(x)).ToScalar();

            (Math.Abs(exp - Math.Exp(x)) / Math.Exp(x)).Should().BeLessThan(2.5e-7);
        }
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(-88, 0)]
    [InlineData(-1e30f, 0)]
    [InlineData(float.NegativeInfinity, 0)]
    public void Exp_of_the_ends_is_exact(float x, float expected) =>
        VectorExp.Exp(Vector256.Create(x)).ToScalar().Should().Be(expected);

    [Fact]
    public void Maxima_and_sums_are_right_for_every_length()
    {
        var random = new Random(5);
        for (var length = 1; length < 600; length++)
        {
            var row = Enumerable.Range(0, length).Select(_ => (float)((random.NextDouble() * 20) - 30)).ToArray();
            var (maxima, sums) = (new float[LogitRow.BlockCount(length)], new float[LogitRow.BlockCount(length)]);

            LogitRow.Maxima(row, maxima).Should().BeTrue();
            LogitRow.ExpSums(row, maxima, row.Max(), 0.7f, sums);

            maxima.Should().Equal(row.Chunk(LogitRow.BlockSize).Select(block => block.Max()));
            ((double)sums.Sum()).Should().BeApproximately(row.Sum(logit => Math.Exp((logit - row.Max()) * 0.7)), 1e-4);
        }
    }

    [Fact]
    public void A_logit_that_is_not_finite_is_seen_at_every_place()
    {
        for (var place = 0; place < 531; place++)
        {
            foreach (var value in new[] { float.NaN, -float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                var row = new float[531];
                row[place] = value;

                LogitRow.Maxima(row, new float[LogitRow.BlockCount(row.Length)]).Should().BeFalse();
            }
        }
    }
}
