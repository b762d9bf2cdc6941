using GptOss.Net.Execution;
using GptOss.Net.Sampling;

namespace GptOss.Net.Tests.Execution.Cuda;

/// <summary>Rows that the executor samples itself: the host sampler's tokens, also when the host runs ahead.</summary>
public sealed class CudaSamplingTests
{
    private static readonly int[] Blocks = [3, 7, 1, 12];

    public static TheoryData<string> Rules => ["greedy", "drawn", "top", "min-p", "penalties", "bias", "mask", "log-probabilities"];

    [Theory]
    [MemberData(nameof(Rules))]
    public void A_row_gets_the_token_of_the_hosts_sampler(string rule)
    {
        using var fixture = new ModelFixture("b");
        using var executor = CudaExecutorTests.Load(fixture, new EmulatedCudaDriver());
        var step = new PackedSequence(fixture.Cases[1].InputIds, Blocks, Blocks).Step(0, 5);
        executor.Begin(step);
        var logits = executor.Complete().Logits.ToArray();
        var rows = Enumerable.Range(0, 5).Select(position => Row(rule, position)).ToArray();

        executor.Begin(step with { Rows = rows });
        var tokens = executor.Complete().Tokens.ToArray();

        var sampler = new Sampler(fixture.Config.VocabularySize);
        for (var i = 0; i < rows.Length; i++)
        {
            var expected = sampler.Sample(logits.AsSpan(i * fixture.Config.VocabularySize, fixture.Config.VocabularySize), rows[i]);
            tokens[i].Id.Should().Be(expected.Id);
            (tokens[i].LogProbability - expected.LogProbability ?? 0).Should().BeApproximately(0, 1e-4f);
            tokens[i].TopLogProbabilities?.Select(top => top.Id).Should().Equal(expected.TopLogProbabilities!.Select(top => top.Id));
        }
    }

    [Fact]
    public void Logits_and_tokens_can_be_wanted_of_the_same_step()
    {
        using var fixture = new ModelFixture("b");
        using var executor = CudaExecutorTests.Load(fixture, new EmulatedCudaDriver());
        var step = new PackedSequence(fixture.Cases[1].InputIds, Blocks, Blocks).Step(0, 5);
        executor.Begin(step);
        var all = executor.Complete().Logits.ToArray();

        executor.Begin(step with { Rows = new[] { Row("drawn", 0), default, Row("greedy", 2), default, Row("drawn", 4) } });
        var result = executor.Complete();

        var vocabulary = fixture.Config.VocabularySize;
        result.Row(1).SequenceEqual(all.AsSpan(vocabulary, vocabulary)).Should().BeTrue();
        result.Row(3).SequenceEqual(all.AsSpan(3 * vocabulary, vocabulary)).Should().BeTrue();
        Enumerable.Range(0, 5).Select(result.IsSampled).Should().Equal(true, false, true, false, true);
        result.Logits.Length.Should().Be(2 * vocabulary);
    }

    [Fact]
    public void Steps_that_go_on_with_what_the_host_has_not_read_give_the_same_tokens()
    {
        using var fixture = new ModelFixture("b");
        using var executor = CudaExecutorTests.Load(fixture, new EmulatedCudaDriver());
        var prompt = fixture.Cases[1].InputIds;
        var apart = new List<int>();
        for (var i = 0; i < 8; i++)
        {
            executor.Begin(Decode([.. prompt, .. apart], i));
            apart.Add(executor.Complete().Tokens.Span[0].Id);
        }

        var ahead = new List<int>();
        executor.Begin(Decode(prompt, 0));
        for (var i = 1; i < 8; i++)
        {
            executor.Begin(Decode([.. prompt, .. Enumerable.Repeat(~0, i)], i));
            ahead.Add(executor.Complete().Tokens.Span[0].Id);
        }

        ahead.Add(executor.Complete().Tokens.Span[0].Id);
        ahead.Should().Equal(apart);
        executor.MaxStepsAhead.Should().Be(1);
    }

    [Fact]
    public void More_masks_than_have_room_take_each_others_place()
    {
        using var fixture = new ModelFixture("b");
        using var executor = CudaExecutorTests.Load(fixture, new EmulatedCudaDriver());
        var step = new PackedSequence(fixture.Cases[1].InputIds, Blocks, Blocks).Step(0, 5);
        for (var round = 0; round < 40; round++)
        {
            var allowed = Enumerable.Range(0, 5).Select(i => (7 * ((5 * round) + i)) % fixture.Config.VocabularySize).ToArray();
            var rows = allowed.Select(token => Row("greedy", token) with { Mask = Only(token) }).ToArray();

            executor.Begin(step with { Rows = rows });

            executor.Complete().Tokens.ToArray().Select(token => token.Id).Should().Equal(allowed);
        }
    }

    [Fact]
    public void A_row_that_cannot_be_sampled_is_left_to_the_host_with_its_logits()
    {
        using var fixture = new ModelFixture("b");
        using var executor = CudaExecutorTests.Load(fixture, new EmulatedCudaDriver());
        var step = new PackedSequence(fixture.Cases[1].InputIds, Blocks, Blocks).Step(0, 5);
        var rows = Enumerable.Range(0, 5).Select(position => Row("drawn", position)).ToArray();
        rows[2] = rows[2] with { Mask = new TokenBitset(new ulong[13]) };

        executor.Begin(step with { Rows = rows });
        var result = executor.Complete();

        result.IsSampled(2).Should().BeFalse();
        var sample = () => new Sampler(fixture.Config.VocabularySize).Sample(result.Row(2), rows[2]);
        sample.Should().Throw<GptOssException>().WithMessage("*forbids all*");
    }

    private static StepBatch Decode(int[] tokens, int index)
    {
        var sequence = new PackedSequence(tokens, Blocks, Blocks);
        var step = index == 0 ? sequence.Step(0, tokens.Length) : sequence.Step(tokens.Length - 1, 1);
        return step with { LogitsRows = new[] { step.TokenCount - 1 }, Rows = new[] { Row("drawn", index) } };
    }

    private static TokenBitset Only(int token)
    {
        var words = new ulong[13]; // 777 tokens
        words[token / 64] = 1UL << (token % 64);
        return new TokenBitset(words);
    }

    private static RowSampling Row(string rule, int position)
    {
        var options = rule switch
        {
            "greedy" => new SamplingOptions { Temperature = 0 },
            "top" => new SamplingOptions { Temperature = 0.8, TopK = 40, TopP = 0.9 },
            "min-p" => new SamplingOptions { MinP = 0.2 },
            "penalties" => new SamplingOptions { RepetitionPenalty = 1.3, PresencePenalty = 0.5, FrequencyPenalty = 0.25 },
            "log-probabilities" => new SamplingOptions { LogProbabilities = true, TopLogProbabilities = 5 },
            _ => new SamplingOptions(),
        };
        var penalties = TokenPenalties.AreWanted(options) ? new TokenPenalties(options, [5, 6, 7, 400]) : null;
        penalties?.Accept(400);
        penalties?.Accept(9);
        return new RowSampling
        {
            Options = options,
            Bias = rule == "bias" ? [new(3, 2.5f), new(700, 100f), new(9, -1f)] : [],
            Penalties = penalties,
            Mask = rule == "mask" ? new TokenBitset([.. Enumerable.Repeat(0x10F0_0000_1111_0003UL, 12), 0x1FF]) : null,
            Random = new SeededRandom(11),
            Position = position,
        };
    }
}
