using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Engine;

/// <summary>The engine with several steps in flight, each of other sequences.</summary>
public sealed class StepsInFlightTests
{
    private const int Poison = 500;

    [Theory]
    [InlineData(1, 2)]
    [InlineData(5, 2)]
    [InlineData(12, 2)]
    [InlineData(12, 3)]
    public async Task Tokens_follow_the_logits(int generations, int maxStepsInFlight)
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize) { MaxStepsInFlight = maxStepsInFlight });

        var all = await Task.WhenAll(Enumerable.Range(1, generations).Select(i => model.Ids([i * 50], Generations.Greedy(20 + i))));

        all.Should().BeEquivalentTo(
            Enumerable.Range(1, generations).Select(i => Enumerable.Range((i * 50) + 1, 20 + i)), options => options.WithStrictOrdering());
    }

    [Fact]
    public async Task Under_load_each_step_in_flight_has_as_many_sequences_as_the_others()
    {
        using var submitted = new ManualResetEventSlim();
        var sizes = new List<int>();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            MaxStepsInFlight = 2,
            BeforeStep = (step, batch) =>
            {
                submitted.Wait(TestContext.Current.CancellationToken);
                sizes.Add(batch.SequenceCount);
            },
        };
        using (var model = ScriptedModel.Create(executor))
        {
            var first = model.Ids([900], Generations.Greedy(1));
            var all = Enumerable.Range(1, 8).Select(i => model.Ids([i * 50], Generations.Greedy(10))).ToArray();
            submitted.Set();
            await first;
            await Task.WhenAll(all);
        }

        // The first step began with what had arrived by then; from when all are there, two steps of four take turns.
        sizes.Skip(2).SkipWhile(size => size != 4).Take(10).Should().OnlyContain(size => size == 4);
    }

    [Fact]
    public async Task A_generation_that_is_cancelled_while_a_step_computes_it_ends_after_the_step_and_the_others_go_on()
    {
        using var cancellation = new CancellationTokenSource();
        var cache = new PagedKVCache(new KVCacheCapacity(64, 64), ScriptedModel.SlidingWindow);
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            MaxStepsInFlight = 2,
            BeforeStep = (_, batch) => CancelAt(Poison, batch.TokenIds.Span, cancellation),
        };
        using (var model = ScriptedModel.Create(executor, cache: cache))
        {
            var others = Enumerable.Range(1, 3).Select(i => model.Ids([i * 100], Generations.Greedy(60))).ToArray();
            var cancelled = () => Read(model, [Poison - 9], cancellation.Token);

            await cancelled.Should().ThrowAsync<OperationCanceledException>();
            (await Task.WhenAll(others)).Should().BeEquivalentTo(
                Enumerable.Range(1, 3).Select(i => Enumerable.Range((i * 100) + 1, 60)), options => options.WithStrictOrdering());
        }

        cache.Usage.Fraction.Should().Be(0);
    }

    [Fact]
    public async Task A_failing_step_ends_all_that_runs_and_what_waits_goes_on()
    {
        using var submitted = new ManualResetEventSlim();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            MaxStepsInFlight = 2,
            BeforeStep = (_, batch) =>
            {
                submitted.Wait(TestContext.Current.CancellationToken);
                _ = batch.TokenIds.Span.Contains(Poison) ? throw new InvalidOperationException("The device is out of memory.") : 0;
            },
        };
        using var model = ScriptedModel.Create(executor, maxSequences: 2);
        var failing = model.Ids([Poison - 9], Generations.Greedy(50));
        var running = model.Ids([100], Generations.Greedy(50));
        var waiting = model.Ids([7], Generations.Greedy(3));
        submitted.Set();

        foreach (var ended in new[] { failing, running })
        {
            (await ended.Awaiting(task => task).Should().ThrowAsync<GptOssException>()).WithInnerException<InvalidOperationException>();
        }

        (await waiting).Should().Equal(8, 9, 10);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Preempted_generations_go_on_with_the_same_tokens(int maxStepsInFlight)
    {
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize) { MaxStepsInFlight = maxStepsInFlight };
        var cache = new PagedKVCache(new KVCacheCapacity(7, 64), ScriptedModel.SlidingWindow);
        using (var model = ScriptedModel.Create(executor, maxModelLength: 100, cache: cache))
        {
            var all = await Task.WhenAll(Enumerable.Range(1, 6).Select(i => model.Ids([i * 100], Generations.Greedy(80))));

            all.Should().BeEquivalentTo(
                Enumerable.Range(1, 6).Select(i => Enumerable.Range((i * 100) + 1, 80)), options => options.WithStrictOrdering());
        }

        executor.Positions.Should().HaveCountGreaterThan(6 * 80, "some were computed again");
        cache.Usage.Fraction.Should().Be(0);
    }

    [Fact]
    public async Task Answers_to_one_prompt_go_on_from_it_in_any_step()
    {
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize) { MaxStepsInFlight = 2 };
        using var model = ScriptedModel.Create(executor);
        var others = Enumerable.Range(1, 4).Select(i => model.Ids([i * 100], Generations.Greedy(30))).ToArray();

        var answers = await model.Tokens([600, 601, 602], Generations.Greedy(10) with { AnswerCount = 3 });

        answers.GroupBy(token => token.AnswerIndex).Should().HaveCount(3).And
            .AllSatisfy(answer => answer.Select(token => token.Id).Should().Equal(Enumerable.Range(603, 10)));
        await Task.WhenAll(others);
    }

    [Fact]
    public async Task A_model_disposed_with_steps_in_flight_ends_every_generation()
    {
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var disposing = new ManualResetEventSlim();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            MaxStepsInFlight = 2,
            BeforeStep = (step, _) =>
            {
                if (step == 4)
                {
                    running.SetResult();
                    disposing.Wait(TestContext.Current.CancellationToken);
                }
            },
        };
        var model = ScriptedModel.Create(executor);
        var readers = Enumerable.Range(1, 4).Select(i => model.Ids([i * 100])).ToArray();
        await running.Task;

        var disposal = model.DisposeAsync();
        disposing.Set();
        await disposal;

        foreach (var reader in readers)
        {
            await reader.Awaiting(task => task).Should().ThrowAsync<ObjectDisposedException>();
        }

        executor.IsDisposed.Should().BeTrue();
    }

    private static async Task Read(GptOssModel model, int[] prompt, CancellationToken cancellationToken)
    {
        await foreach (var token in model.GenerateAsync(prompt, null, cancellationToken: cancellationToken))
        {
            token.FinishReason.Should().BeNull();
        }
    }

    private static void CancelAt(int token, ReadOnlySpan<int> tokenIds, CancellationTokenSource cancellation)
    {
        if (tokenIds.Contains(token))
        {
            cancellation.Cancel();
        }
    }
}
