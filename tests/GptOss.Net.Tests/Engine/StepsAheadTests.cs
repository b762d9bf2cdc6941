using GptOss.Net.KVCache;
using GptOss.Net.Sampling;
using GptOss.Net.Tests.Sampling;

namespace GptOss.Net.Tests.Engine;

/// <summary>The engine with an executor that samples by itself and is given steps before their tokens are read.</summary>
public sealed class StepsAheadTests
{
    private const int Poison = 500;

    private readonly ScriptedExecutor _script = new(ScriptedModel.VocabularySize)
    {
        BeforeStep = (_, batch) => _ =
            batch.TokenIds.Span.Contains(Poison) ? throw new InvalidOperationException("The device is out of memory.") : 0,
    };

    private readonly ScriptedExecutor _steady = new(ScriptedModel.VocabularySize);

    private readonly PagedKVCache _cache = new(new KVCacheCapacity(64, 64), ScriptedModel.SlidingWindow);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(5, 1)]
    [InlineData(12, 2)]
    public async Task Tokens_follow_the_logits_and_steps_run_ahead(int generations, int stepsAhead)
    {
        var executor = new AheadExecutor(_script, stepsAhead);
        using var model = ScriptedModel.Create(executor);

        var all = await Task.WhenAll(Enumerable.Range(1, generations).Select(i => model.Ids([i * 30], Generations.Greedy(20 + i))));

        all.Should().BeEquivalentTo(
            Enumerable.Range(1, generations).Select(i => Enumerable.Range((i * 30) + 1, 20 + i)), options => options.WithStrictOrdering());
        executor.MostStepsInFlight.Should().Be(1 + stepsAhead);
        executor.StepsAhead.Should().BeGreaterThan(15);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_ran_ahead_of_a_row_that_was_left_to_the_host_after_all_is_thrown_away(int stepsAhead)
    {
        using var model = ScriptedModel.Create(new AheadExecutor(_script, stepsAhead) { LeavesEvery = 3 }, cache: _cache);

        var all = await Task.WhenAll(Enumerable.Range(1, 4).Select(i => model.Ids([i * 30], Generations.Greedy(20))));

        all.Should().BeEquivalentTo(
            Enumerable.Range(1, 4).Select(i => Enumerable.Range((i * 30) + 1, 20)), options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task At_the_length_limit_nothing_is_computed_in_vain()
    {
        using (var model = ScriptedModel.Create(new AheadExecutor(_script), cache: _cache))
        {
            (await model.Ids([7], Generations.Greedy(10))).Should().Equal(Enumerable.Range(8, 10));
        }

        _script.Positions.Should().Equal(Enumerable.Range(0, 10));
        _cache.Usage.Fraction.Should().Be(0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_ran_ahead_of_a_stop_leaves_no_token_and_no_block(int stepsAhead)
    {
        using (var model = ScriptedModel.Create(new AheadExecutor(_script, stepsAhead), cache: _cache))
        {
            for (var stop = 20; stop < 36; stop++)
            {
                var tokens = await model.Ids([7], new SamplingOptions { Temperature = 0, StopTokenIds = [stop] });

                tokens.Should().Equal(Enumerable.Range(8, stop - 7));
            }

            // Another generation begins only once the steps that ran ahead have ended.
            (await model.Ids([100], Generations.Greedy(1))).Should().Equal(101);
            _cache.FullPool.UsedCount.Should().BeLessThanOrEqualTo(1);
        }

        _cache.Usage.Fraction.Should().Be(0);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_ran_ahead_of_a_token_that_changes_the_mask_is_sampled_again(int stepsAhead)
    {
        for (var change = 8; change < 28; change++)
        {
            var executor = new AheadExecutor(new ScriptedExecutor(ScriptedModel.VocabularySize), stepsAhead);
            using (var model = ScriptedModel.Create(executor, cache: _cache))
            {
                var tokens = await Read(model, [7], Generations.Greedy(25), new ChangingMask(change, next: 900));

                tokens.Should().Equal(Enumerable.Range(8, change - 7).Concat(Enumerable.Range(900, 25 - (change - 7))));
                executor.StepsAhead.Should().BePositive();
            }

            _cache.Usage.Fraction.Should().Be(0);
        }
    }

    [Fact]
    public async Task Where_a_mask_is_not_known_no_step_runs_ahead()
    {
        var executor = new AheadExecutor(_script);
        using var model = ScriptedModel.Create(executor);

        await Read(model, [7], Generations.Greedy(10), new AllowedTokens(_ => true, ScriptedModel.VocabularySize));
        await model.Ids([7], Generations.Greedy(10) with { PresencePenalty = 0.5 });

        executor.StepsAhead.Should().Be(0);
    }

    [Fact]
    public async Task A_cancelled_generation_ends_although_it_is_always_in_flight_and_the_others_go_on()
    {
        using var cancellation = new CancellationTokenSource();
        using (var model = ScriptedModel.Create(new AheadExecutor(_script), cache: _cache, maxModelLength: 5_000))
        {
            var others = Enumerable.Range(1, 3).Select(i => model.Ids([600 + (i * 100)], Generations.Greedy(60))).ToArray();
            var cancelled = async () =>
            {
                await foreach (var token in model.GenerateAsync([1], Generations.Greedy(400), cancellationToken: cancellation.Token))
                {
                    await (token.Id == 20 ? cancellation.CancelAsync() : Task.CompletedTask);
                }
            };

            await cancelled.Should().ThrowAsync<OperationCanceledException>();
            (await Task.WhenAll(others)).Should().OnlyContain(tokens => tokens.Length == 60);
        }

        _cache.Usage.Fraction.Should().Be(0);
    }

    [Fact]
    public async Task A_prompt_that_comes_does_not_wait_for_the_end_of_those_that_run_ahead()
    {
        using var model = ScriptedModel.Create(new AheadExecutor(_steady), maxModelLength: 100_000);
        await using var endless =
            model.GenerateAsync([501], new SamplingOptions { Temperature = 0 }, cancellationToken: TestContext.Current.CancellationToken)
                .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await endless.MoveNextAsync();

        (await model.Ids([1, 2, 3], Generations.Greedy(5))).Should().Equal(4, 5, 6, 7, 8);
    }

    [Fact]
    public async Task A_failing_step_ends_what_runs_with_the_steps_ahead_of_it_and_what_waits_goes_on()
    {
        using (var model = ScriptedModel.Create(new AheadExecutor(_script), cache: _cache, maxSequences: 1))
        {
            var failing = model.Ids([Poison - 9], Generations.Greedy(50));
            var waiting = model.Ids([7], Generations.Greedy(3));

            (await failing.Awaiting(task => task).Should().ThrowAsync<GptOssException>()).WithInnerException<InvalidOperationException>();
            (await waiting).Should().Equal(8, 9, 10);
        }

        _cache.Usage.Fraction.Should().Be(0);
    }

    [Fact]
    public async Task Logits_that_are_not_finite_end_their_sequence_alone()
    {
        var script = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            Logits = (token, _, row) => row[0] = token == 20 ? float.NaN : row[0],
        };
        using (var model = ScriptedModel.Create(new AheadExecutor(script), cache: _cache))
        {
            var other = model.Ids([100], Generations.Greedy(40));

            await model.Awaiting(m => m.Ids([7], Generations.Greedy(40))).Should().ThrowAsync<NonFiniteLogitsException>();
            (await other).Should().Equal(Enumerable.Range(101, 40));
        }

        _cache.Usage.Fraction.Should().Be(0);
    }

    [Fact]
    public async Task A_disposed_model_ends_every_generation_and_gives_back_all_blocks()
    {
        var model = ScriptedModel.Create(new AheadExecutor(_steady), cache: _cache, maxModelLength: 900);
        await using var endless =
            model.GenerateAsync([501], new SamplingOptions { Temperature = 0 }, cancellationToken: TestContext.Current.CancellationToken)
                .GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await endless.MoveNextAsync();

        await model.DisposeAsync();

        _cache.Usage.Fraction.Should().Be(0);
        _steady.IsDisposed.Should().BeTrue();
    }

    /// <summary>Allows all tokens below another one, and from a certain token on those from that one on.</summary>
    private sealed class ChangingMask(int change, int next) : ITokenConstraint
    {
        private static readonly TokenBitset Nothing = new(new ulong[ScriptedModel.VocabularySize / 64]);

        private readonly TokenBitset _after = Nothing.With([.. Enumerable.Range(next, ScriptedModel.VocabularySize - next)]);

        public TokenBitset Allowed { get; private set; } = Nothing.With([.. Enumerable.Range(0, next)]);

        public int TokensAhead => int.MaxValue;

        public void Accept(int token)
        {
            Allowed.Contains(token).Should().BeTrue();
            Allowed = token == change ? _after : Allowed;
        }
    }

    private static async Task<int[]> Read(GptOssModel model, int[] prompt, SamplingOptions options, ITokenConstraint constraint)
    {
        var tokens = new List<int>();
        await foreach (var token
            in model.GenerateAsync(prompt, options, null, constraint, cancellationToken: TestContext.Current.CancellationToken))
        {
            tokens.Add(token.Id);
        }

        return [.. tokens];
    }
}
