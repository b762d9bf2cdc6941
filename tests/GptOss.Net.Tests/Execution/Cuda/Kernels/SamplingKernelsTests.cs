using GptOss.Net.Execution.Cuda;
using GptOss.Net.Execution.Cuda.Kernels;
using Row = GptOss.Net.Execution.Cuda.Kernels.SamplingKernels.Row;

namespace GptOss.Net.Tests.Execution.Cuda.Kernels;

/// <summary>Sampling on the device, in every combination of rules, against the rules done plainly in double.</summary>
public sealed class SamplingKernelsTests
{
    private const int Vocabulary = 777;
    private const int Words = 26; // of a mask over the padded vocabulary

    private static readonly CudaShape Shape = KernelBench.Odd;

    public static TheoryData<uint> TurnOrders => KernelBench.TurnOrders;

    [Theory]
    [MemberData(nameof(TurnOrders))]
    public void A_row_gets_the_token_that_its_rules_and_its_random_number_say(uint turnOrder)
    {
        using var bench = new KernelBench(turnOrder, SamplingKernels.Sources(Shape));
        var random = new Random(8);
        for (var trial = 0; trial < 8; trial++)
        {
            var rows = Enumerable.Range(0, 9).Select(i => new Case(random, i + trial)).ToArray();
            var results = Sample(bench, rows);
            foreach (var (row, result) in rows.Zip(results))
            {
                result.Status.Should().Be(SamplingKernels.RowStatus.Sampled);
                result.Token.Should().Be(row.Expected(), row.ToString());
                Logs(row, result);
            }

            bench.Clear();
        }
    }

    [Fact]
    public void Draws_follow_the_probabilities()
    {
        using var bench = new KernelBench(0, SamplingKernels.Sources(Shape));
        var random = new Random(9);
        var first = new Case(random, 0) { Logits = [.. Enumerable.Range(0, Vocabulary).Select(t => t < 4 ? MathF.Log(t + 1) : -40f)] };
        var rows = Enumerable.Range(0, 400).Select(i => first with
        {
            Rules = new Row { Scale = 1, TopP = 1, MinOffset = float.NegativeInfinity, Random = (ulong)i * (ulong.MaxValue / 400) },
        }).ToArray();

        var counts = Sample(bench, rows).CountBy(result => result.Token).ToDictionary();

        for (var token = 0; token < 4; token++)
        {
            counts[token].Should().BeInRange((40 * (token + 1)) - 1, (40 * (token + 1)) + 1);
        }
    }

    [Fact]
    public void What_cannot_be_sampled_is_told()
    {
        using var bench = new KernelBench(0, SamplingKernels.Sources(Shape));
        var random = new Random(10);
        var flat = new Case(random, 0) { Logits = new float[Vocabulary] };
        var notFinite = new Case(random, 0);
        notFinite.Logits[700] = float.NaN;
        Case[] rows =
        [
            flat with { Rules = flat.Rules with { Flags = SamplingKernels.RowFlags.ForHost } },
            notFinite,
            flat with { Mask = new uint[Words] },
            flat with { Rules = new Row { Scale = 0 } }, // a tie goes to the lower id
        ];

        Sample(bench, rows).Select(result => (result.Status, result.Token)).Should().Equal(
            (SamplingKernels.RowStatus.LeftToHost, -1),
            (SamplingKernels.RowStatus.NotFinite, -1),
            (SamplingKernels.RowStatus.NothingAllowed, -1),
            (SamplingKernels.RowStatus.Sampled, 0));
    }

    [Fact]
    public void Too_many_candidates_are_left_to_the_host_with_the_logits_of_the_model()
    {
        var shape = KernelBench.Shape(64, 64, heads: 2, kvHeads: 2, headDim: 32, experts: 4, topK: 1, vocabulary: 3000);
        using var bench = new KernelBench(0, SamplingKernels.Sources(shape));
        var rules = new Row { Scale = 1, TopP = 0.9f, MinOffset = float.NegativeInfinity, Random = 1UL << 63 };
        var logits = bench.Upload(Enumerable.Repeat(1f, 2 * shape.Vocabulary).ToArray());

        var biased = rules with
        {
            TopK = 50,
            TopP = 1,
            AdjustmentCount = 1,
            Adjustments = bench.Upload([new SamplingKernels.Adjustment(2, -1, -1f)]),
        };

        var results = Run(bench, logits, [rules, biased]);

        bench.Download<float>(logits, 2 * shape.Vocabulary).Should().AllBeEquivalentTo(1f);
        results.Should().OnlyContain(result => result.Status == SamplingKernels.RowStatus.LeftToHost && result.Token == -1);
    }

    private static SamplingKernels.Result[] Sample(KernelBench bench, Case[] rows)
    {
        var logits = new float[rows.Length * Shape.Vocabulary];
        Array.Fill(logits, float.NaN); // padding is never read
        for (var i = 0; i < rows.Length; i++)
        {
            rows[i].Logits.CopyTo(logits, i * Shape.Vocabulary);
        }

        return Run(bench, bench.Upload(logits), [.. rows.Select(row => row.Rules with
        {
            Mask = row.Mask is null ? 0 : bench.Upload(row.Mask),
            Adjustments = bench.Upload(row.Adjustments),
            AdjustmentCount = row.Adjustments.Length,
        })]);
    }

    private static SamplingKernels.Result[] Run(KernelBench bench, nint logits, Row[] rows)
    {
        var results = bench.Allocate<SamplingKernels.Result>(rows.Length);
        var chosen = bench.Allocate<int>(rows.Length);
        new SamplingKernels(bench.Kernels).Sample(
            bench.Stream,
            new(logits, bench.Upload(rows), bench.Allocate<byte>((long)SamplingKernels.WorkBytesPerRow * rows.Length), results, chosen),
            rows.Length,
            SamplingNeeds.All);
        var got = bench.Download<SamplingKernels.Result>(results, rows.Length);
        bench.Download<int>(chosen, rows.Length).Should().Equal(got.Select(result => result.Token));
        return got;
    }

    private static void Logs(Case row, SamplingKernels.Result result)
    {
        if (!row.Rules.Flags.HasFlag(SamplingKernels.RowFlags.LogProbability))
        {
            return;
        }

        var top = row.Logits.Max();
        var total = top + Math.Log(row.Logits.Sum(logit => Math.Exp(logit - top)));
        result.LogProbability.Should().BeApproximately((float)(row.Logits[result.Token] - total), 1e-4f);
        var expected = Enumerable.Range(0, Vocabulary).OrderByDescending(token => row.Logits[token]).Take(row.Rules.TopCount).ToArray();
        result.TopCount.Should().Be(expected.Length);
        ((ReadOnlySpan<int>)result.Tokens)[..expected.Length].ToArray().Should().Equal(expected);
        foreach (var (log, token) in ((ReadOnlySpan<float>)result.Logs)[..expected.Length].ToArray().Zip(expected))
        {
            log.Should().BeApproximately((float)(row.Logits[token] - total), 1e-4f);
        }
    }

    /// <summary>A row of logits and random rules.</summary>
    private sealed record Case
    {
        public Case(Random random, int kind)
        {
            Logits = KernelBench.RandomFloats(random, Vocabulary, 1 + (3 * random.NextDouble()));
            var temperature = kind % 9 == 0 ? 0 : 0.5 + random.NextDouble();
            Rules = new Row
            {
                Scale = temperature == 0 ? 0 : (float)(1 / temperature),
                TopP = kind % 3 == 1 ? (float)random.NextDouble() : 1,
                TopK = kind % 4 >= 2 ? 1 + random.Next(60) : 0,
                MinOffset = kind % 5 == 4 ? (float)(temperature * Math.Log(0.2)) : float.NegativeInfinity,
                Random = (ulong)random.NextInt64(),
                RepetitionPenalty = 1.3f,
                PresencePenalty = 0.5f,
                FrequencyPenalty = 0.25f,
                Flags = kind % 2 == 0 ? SamplingKernels.RowFlags.LogProbability : SamplingKernels.RowFlags.None,
                TopCount = kind % 4 == 0 ? 20 : kind % 4 == 2 ? 3 : 0,
            };
            Mask = kind % 3 == 2 ? [.. Enumerable.Range(0, Words).Select(_ => (uint)random.NextInt64())] : null;
            var most = Enumerable.Range(0, Vocabulary).OrderByDescending(token => Logits[token]).Take(5);
            Adjustments = kind % 6 >= 4
                ? [.. most.Select((token, i) => new SamplingKernels.Adjustment(token, i - 1, i == 4 ? 2 : -0.5f))]
                : [];
        }

        public float[] Logits { get; init; }

        public Row Rules { get; init; }

        public uint[]? Mask { get; init; }

        public SamplingKernels.Adjustment[] Adjustments { get; init; }

        public int Expected()
        {
            var logits = Adjusted();
            var byRank = Enumerable.Range(0, Vocabulary).Where(token => !double.IsNegativeInfinity(logits[token]))
                .OrderByDescending(token => logits[token]).ThenBy(token => token).ToArray();
            if (Rules.Scale == 0)
            {
                return byRank[0];
            }

            var top = logits[byRank[0]];
            var weights = logits.Select(logit => Math.Exp((logit - top) * Rules.Scale)).ToArray();
            var kept = Rules.TopK > 0 ? [.. byRank.Take(Rules.TopK)] : byRank;
            if (Rules.TopP < 1)
            {
                var (total, sum) = (kept.Sum(token => weights[token]), 0.0);
                kept = [.. kept.TakeWhile(token =>
                {
                    var isWanted = sum < Rules.TopP * total;
                    sum += weights[token];
                    return isWanted;
                })];
            }

            kept = [.. kept.Where(token => logits[token] >= top + Rules.MinOffset).Order()];
            var target = Rules.Random / Math.Pow(2, 64) * kept.Sum(token => weights[token]);
            return kept.First(token => (target -= weights[token]) < 0);
        }

        private double[] Adjusted()
        {
            var logits = Logits.Select(logit => (double)logit).ToArray();
            foreach (var a in Adjustments)
            {
                if (a.Count >= 0)
                {
                    var logit = logits[a.Token];
                    logit = logit > 0 ? logit / Rules.RepetitionPenalty : logit * Rules.RepetitionPenalty;
                    logits[a.Token] = a.Count > 0 ? logit - (a.Count * Rules.FrequencyPenalty) - Rules.PresencePenalty : logit;
                }

                logits[a.Token] += a.Bias;
            }

            for (var token = 0; token < Vocabulary; token++)
            {
                if (Mask is not null && (Mask[token / 32] >> (token % 32) & 1) == 0)
                {
                    logits[token] = double.NegativeInfinity;
                }
            }

            return logits;
        }
    }
}
