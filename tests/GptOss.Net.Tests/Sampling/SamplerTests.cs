using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Sampling;

public sealed class SamplerTests
{
    private const int VocabularySize = 201_088;

    [Fact]
    public void Greedy_takes_the_lowest_id_among_equals()
    {
        var row = new float[1000];
        row[300] = row[301] = row[999] = 5;

        Sample(row, new SamplingOptions { Temperature = 0 }).Should().Be(300);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(200_960)]
    [InlineData(VocabularySize - 1)]
    public void Greedy_finds_the_maximum_anywhere(int place)
    {
        var row = Gaussian(VocabularySize, 1);
        row[place] = 100;

        Sample(row, new SamplingOptions { Temperature = 0 }).Should().Be(place);
    }

    [Fact]
    public void Greedy_treats_minus_zero_as_zero() =>
        Sample([-1, -0f, 0f, -1], new SamplingOptions { Temperature = 0 }).Should().Be(1);

    [Theory]
    [InlineData(1e-5)]
    [InlineData(1e-4)]
    public void A_tiny_temperature_takes_the_maximum(double temperature) =>
        Sample([-80, 3, 2.9f, -80], new SamplingOptions { Temperature = temperature }).Should().Be(1);

    [Fact]
    public void Frequencies_follow_the_distribution()
    {
        float[] probabilities = [0.5f, 0.25f, 0.125f, 0.0625f, 0.0625f];

        var counts = Count([.. probabilities.Select(p => MathF.Log(p))], new SamplingOptions { Seed = 42 }, 50_000);

        // The 99.9 % point of chi-square with four degrees of freedom.
        ChiSquare(counts, probabilities).Should().BeLessThan(18.47);
    }

    [Fact]
    public void Frequencies_of_what_truncation_leaves_follow_the_renormalised_distribution()
    {
        var row = Enumerable.Range(0, 600).Select(id => id % 100 == 7 ? MathF.Log(id + 1) : -9f).ToArray();
        var kept = new[] { 7, 107, 207, 307, 407, 507 };
        var total = kept.Sum(id => id + 1f);

        var counts = Count(row, new SamplingOptions { Seed = 7, TopK = 6, TopP = 0.999999 }, 50_000);

        counts.Where((count, id) => count > 0 && !kept.Contains(id)).Should().BeEmpty();
        ChiSquare([.. kept.Select(id => counts[id])], [.. kept.Select(id => (id + 1) / total)]).Should().BeLessThan(20.52);
    }

    [Fact]
    public void A_min_p_of_one_keeps_all_that_equal_the_maximum() =>
        Count([2, 1.999f, 2, 0], new SamplingOptions { Seed = 1, MinP = 1 }, 100)
            .Select(count => count > 0).Should().Equal(true, false, true, false);

    [Fact]
    public void The_same_seed_gives_the_same_tokens_whatever_the_sampler_did_before()
    {
        var row = Gaussian(5_000, 3);
        var options = new SamplingOptions { Seed = 11, TopP = 0.95 };
        var alone = Generate(new Sampler(row.Length), row, options, 50, _ => { });

        var shared = new Sampler(row.Length);
        var other = new SamplingState(new SamplingOptions { TopK = 40, Seed = 5 }, [], 0);
        var together = Generate(shared, row, options, 50, copy => shared.Sample(copy, other.Next()));

        together.Should().Equal(alone);
    }

    [Fact]
    public void Different_seeds_give_different_tokens()
    {
        var row = new float[5_000];

        var first = Generate(new Sampler(row.Length), row, new SamplingOptions { Seed = 1 }, 20, _ => { });
        var second = Generate(new Sampler(row.Length), row, new SamplingOptions { Seed = 2 }, 20, _ => { });

        second.Should().NotEqual(first);
    }

    [Fact]
    public void Without_a_seed_the_given_random_one_counts()
    {
        var row = new float[5_000];
        var sampler = new Sampler(row.Length);

        var seeded = sampler.Sample(row, new SamplingState(new SamplingOptions { Seed = 77 }, [], 1).Next()).Id;
        var random = sampler.Sample(row, new SamplingState(new SamplingOptions(), [], 77).Next()).Id;

        random.Should().Be(seeded);
    }

    [Fact]
    public void Tokens_are_the_documented_ones_for_ever()
    {
        // A change here changes what users get for their seeds.
        var row = Enumerable.Range(0, 1000).Select(id => (id % 13) * 0.25f).ToArray();

        var tokens = Generate(new Sampler(row.Length), row, new SamplingOptions { Seed = 2026, Temperature = 0.8 }, 6, _ => { });

        tokens.Should().Equal(435, 35, 165, 269, 570, 519);
    }

    [Fact]
    public void A_constraint_that_forbids_everything_ends_the_sequence()
    {
        var sequence = new SamplingState(new SamplingOptions(), [], 0, new AllowedTokens(_ => false, 300));

        var sample = () => new Sampler(300).Sample(new float[300], sequence.Next());

        sample.Should().ThrowExactly<GptOssException>().WithMessage("*forbids all 300 tokens*");
    }

    [Fact]
    public void A_constraint_beats_bias_and_learns_the_token()
    {
        var constraint = new AllowedTokens(id => id == 3, 8);
        var options = new SamplingOptions { LogitBias = new Dictionary<int, float> { [1] = 100 } };

        var sequence = new SamplingState(options, [], 0, constraint);
        var token = new Sampler(8).Sample(new float[8], sequence.Next());
        sequence.Accept(token.Id);

        token.Id.Should().Be(3);
        constraint.Accepted.Should().Equal(3);
    }

    [Theory]
    [InlineData(float.NaN, 0)]
    [InlineData(float.NaN, 4_999)]
    [InlineData(float.PositiveInfinity, 255)]
    [InlineData(float.NegativeInfinity, 4_992)]
    public void Logits_that_are_not_finite_are_refused(float value, int place)
    {
        var row = new float[5_000];
        row[place] = value;
        var sequence = new SamplingState(new SamplingOptions { Temperature = 0 }, [], 0);

        var sample = () => new Sampler(5_000).Sample(row, sequence.Next());

        sample.Should().Throw<NonFiniteLogitsException>().WithMessage($"1 of 5000 logits*of token {place}:*");
    }

    [Fact]
    public void A_refused_row_leaves_the_sampler_usable()
    {
        var sampler = new Sampler(300);
        var bad = new float[300];
        bad[1] = float.NaN;
        var sample = () => sampler.Sample(bad, new SamplingState(new SamplingOptions(), [], 0).Next());
        sample.Should().Throw<NonFiniteLogitsException>();

        var row = new float[300];
        row[9] = 1;

        sampler.Sample(row, new SamplingState(new SamplingOptions { Temperature = 0 }, [], 0).Next()).Id.Should().Be(9);
    }

    [Fact]
    public void A_row_of_another_length_is_refused()
    {
        var sample = () => new Sampler(300).Sample(new float[299], new SamplingState(new SamplingOptions(), [], 0).Next());

        sample.Should().Throw<ArgumentException>().WithMessage("*299 logits*300*");
    }

    public static TheoryData<string> AllocationCases => ["greedy", "plain", "top-p", "top-k", "min-p", "all", "log-probability"];

    [Theory]
    [MemberData(nameof(AllocationCases))]
    public void A_token_costs_no_allocation(string name)
    {
        var options = name switch
        {
            "greedy" => new SamplingOptions { Temperature = 0 },
            "top-p" => new SamplingOptions { TopP = 0.9 },
            "top-k" => new SamplingOptions { TopK = 50 },
            "min-p" => new SamplingOptions { MinP = 0.1 },
            "log-probability" => new SamplingOptions { LogProbabilities = true },
            "all" => new SamplingOptions
            {
                TopK = 500,
                TopP = 0.9,
                MinP = 0.01,
                RepetitionPenalty = 1.1,
                LogitBias = new Dictionary<int, float> { [5] = 1 },
            },
            _ => new SamplingOptions(),
        };
        var row = Gaussian(4_000, 4);
        var copy = new float[row.Length];
        var sampler = new Sampler(row.Length);
        var sequence = new SamplingState(options with { Seed = 3 }, [.. Enumerable.Range(0, row.Length)], 0);

        void Run()
        {
            for (var i = 0; i < 100; i++)
            {
                row.CopyTo(copy, 0);
                sequence.Accept(sampler.Sample(copy, sequence.Next()).Id);
            }
        }

        Run();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Run();

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    private static int Sample(float[] row, SamplingOptions options) =>
        new Sampler(row.Length).Sample(row, new SamplingState(options, [], 1).Next()).Id;

    private static int[] Count(float[] row, SamplingOptions options, int samples)
    {
        var counts = new int[row.Length];
        foreach (var token in Generate(new Sampler(row.Length), row, options, samples, _ => { }))
        {
            counts[token]++;
        }

        return counts;
    }

    private static List<int> Generate(Sampler sampler, float[] row, SamplingOptions options, int count, Action<float[]> between)
    {
        var sequence = new SamplingState(options, [], 0);
        var tokens = new List<int>();
        for (var i = 0; i < count; i++)
        {
            between((float[])row.Clone());
            tokens.Add(sampler.Sample((float[])row.Clone(), sequence.Next()).Id);
            sequence.Accept(tokens[^1]);
        }

        return tokens;
    }

    private static double ChiSquare(int[] counts, float[] probabilities)
    {
        var total = counts.Sum();
        return counts.Zip(probabilities, (count, p) => Math.Pow(count - (total * p), 2) / (total * p)).Sum();
    }

    private static float[] Gaussian(int size, double deviation)
    {
        var random = new Random(9);
        return [.. Enumerable.Range(0, size).Select(_ =>
            (float)(deviation * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble())))];
    }
}
