using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Engine;

/// <summary>The engine and the model's face, with logits from a script.</summary>
public sealed class EngineLoopTests
{
    private const int Poison = 500;

    [Fact]
    public async Task Tokens_follow_the_logits()
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));

        (await model.Ids([7], Generations.Greedy(4))).Should().Equal(8, 9, 10, 11);
    }

    [Fact]
    public async Task Tokens_of_a_padded_vocabulary_have_no_text_and_the_generation_goes_on()
    {
        const int padded = 201_216;
        using var model = ScriptedModel.Create(new ScriptedExecutor(padded), vocabularySize: padded);

        var tokens = await model.Tokens([201_087], Generations.Greedy(4) with { StopTokenIds = [] });

        tokens.Select(token => token.Id).Should().Equal(201_088, 201_089, 201_090, 201_091);
        tokens.Select(token => token.Text).Should().AllBe("");
    }

    [Fact]
    public async Task Only_the_last_token_says_why_the_generation_ended()
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));

        var tokens = await model.Tokens([7], Generations.Greedy(3));

        tokens.Select(token => token.FinishReason).Should().Equal(null, null, FinishReason.Length);
    }

    [Fact]
    public async Task A_generation_ends_where_the_context_does()
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize), maxModelLength: 10);

        var tokens = await model.Tokens([1, 2, 3, 4]);

        tokens.Should().HaveCount(6);
        tokens[^1].FinishReason.Should().Be(FinishReason.Length);
    }

    [Fact]
    public async Task A_stop_token_ends_the_generation_and_is_reported()
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));

        var tokens = await model.Tokens([7], new SamplingOptions { Temperature = 0, StopTokenIds = [300, 10] });

        tokens.Select(token => token.Id).Should().Equal(8, 9, 10);
        tokens[^1].FinishReason.Should().Be(FinishReason.Stop);
    }

    [Fact]
    public async Task A_stop_sequence_ends_the_generation_and_is_not_returned()
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));
        var (kept, stop) = (ScriptedModel.Tokenizer.Decode([65, 66]), ScriptedModel.Tokenizer.Decode([67, 68]));

        var tokens = await model.Tokens([64], new SamplingOptions { Temperature = 0, StopSequences = [stop] });

        string.Concat(tokens.Select(token => token.Text)).Should().Be(kept);
        tokens[^1].FinishReason.Should().Be(FinishReason.Stop);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public async Task Logits_that_are_not_finite_end_their_sequence_alone(float logit)
    {
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            Logits = (token, _, row) => row[3] = token == Poison ? logit : 0,
        };
        using var model = ScriptedModel.Create(executor);

        var healthy = model.Ids([7], Generations.Greedy(50));
        var poisoned = () => model.Ids([Poison - 2], Generations.Greedy(50));

        await poisoned.Should().ThrowAsync<NonFiniteLogitsException>();
        (await healthy).Should().Equal(Enumerable.Range(8, 50));
    }

    [Fact]
    public async Task Tokens_before_a_failure_are_delivered()
    {
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            Logits = (token, _, row) => row[3] = token == Poison ? float.NaN : 0,
        };
        using var model = ScriptedModel.Create(executor);
        await using var tokens =
            model.GenerateAsync([Poison - 1], Generations.Greedy(50), cancellationToken: TestContext.Current.CancellationToken)
                .GetAsyncEnumerator(TestContext.Current.CancellationToken);

        (await tokens.MoveNextAsync()).Should().BeTrue();
        tokens.Current.Id.Should().Be(Poison);
        await tokens.Awaiting(reader => reader.MoveNextAsync().AsTask()).Should().ThrowAsync<NonFiniteLogitsException>();
    }

    [Fact]
    public async Task A_constraint_that_fails_ends_its_sequence_alone()
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));

        var healthy = model.Ids([7], Generations.Greedy(20));
        await using var constrained = model.GenerateAsync([50], null, null, new FailingConstraint(), TestContext.Current.CancellationToken)
            .GetAsyncEnumerator(TestContext.Current.CancellationToken);

        (await constrained.Awaiting(reader => reader.MoveNextAsync().AsTask()).Should().ThrowAsync<GptOssException>())
            .WithInnerException<InvalidOperationException>();
        (await healthy).Should().Equal(Enumerable.Range(8, 20));
    }

    [Fact]
    public async Task A_failing_step_ends_what_it_computed_and_the_engine_goes_on()
    {
        using var model = ScriptedModel.Create(FailingOnPoison());

        var failing = () => model.Ids([Poison - 2], Generations.Greedy(50));

        (await failing.Should().ThrowAsync<GptOssException>()).WithInnerException<InvalidOperationException>();
        (await model.Ids([7], Generations.Greedy(3))).Should().Equal(8, 9, 10);
    }

    [Fact]
    public async Task A_request_that_waits_survives_a_failing_step()
    {
        using var model = ScriptedModel.Create(FailingOnPoison(), maxSequences: 1);

        var failing = model.Ids([Poison - 9], Generations.Greedy(50));
        var waiting = model.Ids([7], Generations.Greedy(3));

        await failing.Awaiting(task => task).Should().ThrowAsync<GptOssException>();
        (await waiting).Should().Equal(8, 9, 10);
    }

    [Fact]
    public async Task A_preempted_generation_goes_on_with_the_same_tokens()
    {
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize);
        var cache = new PagedKVCache(new KVCacheCapacity(7, 64), ScriptedModel.SlidingWindow);
        using (var model = ScriptedModel.Create(executor, maxModelLength: 100, cache: cache))
        {
            var all = await Task.WhenAll(Enumerable.Range(1, 4).Select(i => model.Ids([i * 100], Generations.Greedy(80))));

            all.Should().BeEquivalentTo(Enumerable.Range(1, 4).Select(i => Enumerable.Range((i * 100) + 1, 80)));
        }

        executor.Positions.Should().HaveCountGreaterThan(4 * 80, "some were computed again");
        cache.Usage.Fraction.Should().Be(0);
    }

    [Fact]
    public async Task A_preempted_computation_of_logits_gives_every_row_in_its_place()
    {
        using var submitted = new ManualResetEventSlim();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (_, _) => submitted.Wait(TestContext.Current.CancellationToken),
            Logits = (token, position, row) => (row[0], row[1]) = (token, position),
        };

        // The generation takes its fourth block when the text has six of the nine and needs a seventh.
        var cache = new PagedKVCache(new KVCacheCapacity(9, 64), ScriptedModel.SlidingWindow);
        using var model = ScriptedModel.Create(executor, maxModelLength: 128, maxStepTokens: 5, cache: cache);
        var generation = model.Ids(Enumerable.Range(100, 16).ToArray(), Generations.Greedy(40));
        var text = Enumerable.Range(300, 100).ToArray();
        var logits = model.ComputeLogitsAsync(text, TestContext.Current.CancellationToken);
        submitted.Set();

        await generation;
        var rows = await logits;

        executor.Positions.Should().HaveCountGreaterThan(16 + 39 + 100, "some were computed again");
        Enumerable.Range(0, 100).Select(i => (rows[i, 0], rows[i, 1])).Should()
            .Equal(Enumerable.Range(0, 100).Select(i => (300f + i, (float)i)));
    }

    private static ScriptedExecutor FailingOnPoison() => new(ScriptedModel.VocabularySize)
    {
        BeforeStep = (_, batch) =>
        {
            if (batch.TokenIds.Span.Contains(Poison))
            {
                throw new InvalidOperationException("The device is out of memory.");
            }
        },
    };
}
