using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

public sealed class SeededRandomTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    public void Numbers_are_uniform(long seed)
    {
        var random = new SeededRandom(seed);
        var counts = new int[64];
        for (var position = 0; position < 64_000; position++)
        {
            counts[(int)(random.Uniform(position) * 64)]++;
        }

        // The 99.99 % point of chi-square with 63 degrees of freedom.
        counts.Sum(count => Math.Pow(count - 1000, 2) / 1000).Should().BeLessThan(114);
    }

    [Fact]
    public void Neighbouring_seeds_and_positions_are_independent()
    {
        var (bySeed, byPosition, shifted) = (0.0, 0.0, 0.0);
        const int count = 20_000;
        for (var i = 0; i < count; i++)
        {
            var centre = new SeededRandom(i).Uniform(i) - 0.5;
            bySeed += centre * (new SeededRandom(i + 1).Uniform(i) - 0.5);
            byPosition += centre * (new SeededRandom(i).Uniform(i + 1) - 0.5);
            shifted += centre * (new SeededRandom(i + 1).Uniform(i - 1) - 0.5);
        }

        // Each product has deviation 1/12; five deviations of the mean.
        var bound = 5.0 / 12 / Math.Sqrt(count);
        (Math.Abs(bySeed) / count).Should().BeLessThan(bound);
        (Math.Abs(byPosition) / count).Should().BeLessThan(bound);
        (Math.Abs(shifted) / count).Should().BeLessThan(bound);
    }

    [Fact]
    public void A_number_depends_on_seed_and_position_only() =>
        new SeededRandom(123).Uniform(45).Should().Be(new SeededRandom(123).Uniform(45));

    [Fact]
    public void Seeds_differ_in_all_64_bits()
    {
        var numbers = Enumerable.Range(0, 64).Select(bit => new SeededRandom(1L << bit).Uniform(0)).Append(new SeededRandom(0).Uniform(0));

        numbers.Should().OnlyHaveUniqueItems().And.OnlyContain(number => number >= 0 && number < 1);
    }
}
