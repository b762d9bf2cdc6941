using GptOss.Net.KVCache;
using Microsoft.Extensions.Time.Testing;

namespace GptOss.Net.Tests.Engine.Telemetry;

/// <summary>What <see cref="GptOssModel.GetStatistics"/> tells. A model is disposed before it is asked for what has ended.</summary>
public sealed class EngineStatisticsTests
{
    private static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(100);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void A_model_that_did_nothing_has_zeros()
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));

        var statistics = model.GetStatistics();

        statistics.Should().BeEquivalentTo(new
        {
            RunningRequests = 0,
            WaitingRequests = 0,
            FinishedRequests = 0L,
            PromptTokens = 0L,
            PrefixHitRate = 0.0,
            GeneratedTokensPerSecond = 0.0,
        });
        statistics.TimeToFirstToken.Should().BeEquivalentTo(new { Count = 0L, Mean = TimeSpan.Zero, P99 = TimeSpan.Zero });
    }

    [Fact]
    public async Task Requests_are_counted_by_how_they_ended()
    {
        using var cancellation = new CancellationTokenSource();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (_, batch) => CancelFor(token: 200, batch.TokenIds.Span, cancellation),
            Logits = (token, _, row) => SpoilAfter(300, token, row),
        };
        var model = ScriptedModel.Create(executor, maxRequests: 2);
        await using (model)
        {
            await model.Ids([1], Generations.Greedy(2));
            await Fail(model, [200], Generations.Greedy(2), cancellation.Token);
            await Fail(model, [300], Generations.Greedy(2), Token);
            await Fail(model, [1], Generations.Greedy(2) with { AnswerCount = 3 }, Token);
        }

        model.GetStatistics().Should().BeEquivalentTo(new
        {
            RunningRequests = 0,
            WaitingRequests = 0,
            FinishedRequests = 1L,
            CancelledRequests = 1L,
            FailedRequests = 1L,
            RefusedRequests = 3L,
        });
    }

    [Fact]
    public async Task What_runs_and_what_waits_is_told_while_a_step_runs()
    {
        using var reached = new SemaphoreSlim(0);
        using var released = new ManualResetEventSlim();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (_, _) =>
            {
                reached.Release();
                released.Wait(Token);
            },
        };
        await using var model = ScriptedModel.Create(executor, maxSequences: 2);
        var first = model.Ids([1], Generations.Greedy(2));
        await reached.WaitAsync(Token);

        var others = Enumerable.Range(0, 3).Select(_ => model.Ids([1], Generations.Greedy(2))).ToArray();

        model.GetStatistics().Should().BeEquivalentTo(new { RunningRequests = 1, WaitingRequests = 3 });
        released.Set();
        await Task.WhenAll([first, .. others]);
    }

    /// <summary>By being disposed of, and by an error.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_engine_that_has_ended_runs_nothing_and_holds_no_blocks(bool fails)
    {
        using var reached = new SemaphoreSlim(0);
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            Continues = false,
            BeforeStep = (number, _) =>
            {
                reached.Release();
                if (fails && number == 3)
                {
                    throw new InvalidOperationException("The device is gone.");
                }

                Thread.Sleep(5); // so that it has not ended by itself when it is disposed of
            },
        };
        var model = ScriptedModel.Create(executor);
        var running = model.Ids([.. Enumerable.Range(0, 100)], Generations.Greedy(800));
        await reached.WaitAsync(Token);

        await (fails ? running.ContinueWith(_ => { }, TaskScheduler.Default) : Task.CompletedTask);
        await model.DisposeAsync();

        await running.Invoking(task => task).Should().ThrowAsync<Exception>();
        model.GetStatistics().Should()
            .BeEquivalentTo(new { RunningRequests = 0, WaitingRequests = 0, FullBlocksUsed = 0, SlidingBlocksUsed = 0 });
    }

    [Fact]
    public async Task Blocks_in_use_are_told_while_a_request_runs_and_none_after_it()
    {
        GptOssModelStatistics? during = null;
        GptOssModel? model = null;
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (step, _) => during = step == 2 ? model!.GetStatistics() : during,
        };
        model = ScriptedModel.Create(executor);
        await using (model)
        {
            await model.Ids(new int[40], Generations.Greedy(2));
        }

        during.Should().BeEquivalentTo(new
        {
            RunningRequests = 1,
            FullBlocksUsed = 3,
            FullBlockCount = 4_096,
            SlidingBlocksUsed = 2, // 15 tokens before the next one
            SlidingBlockCount = 4_096,
        });
        model.GetStatistics().Should().BeEquivalentTo(new { RunningRequests = 0, FullBlocksUsed = 0, SlidingBlocksUsed = 0 });
    }

    [Fact]
    public async Task Latencies_are_those_of_the_clock()
    {
        var time = new FakeTimeProvider();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize) { BeforeStep = (_, _) => time.Advance(StepTime) };
        var model = ScriptedModel.Create(executor, timeProvider: time);
        await using (model)
        {
            await model.Ids([1, 2, 3], Generations.Greedy(5));
        }

        var statistics = model.GetStatistics();
        ShouldBe(statistics.TimeToFirstToken, 1, StepTime);
        ShouldBe(statistics.TimeBetweenTokens, 4, StepTime);
        ShouldBe(statistics.RequestDuration, 1, 5 * StepTime);
        statistics.QueueTime.Count.Should().Be(1);
        statistics.GeneratedTokens.Should().Be(5);
    }

    [Fact]
    public async Task Time_in_the_queue_ends_with_the_first_step()
    {
        var time = new FakeTimeProvider();
        using var bothSubmitted = new ManualResetEventSlim();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (_, _) =>
            {
                bothSubmitted.Wait(Token);
                time.Advance(StepTime);
            },
        };
        var model = ScriptedModel.Create(executor, maxSequences: 1, timeProvider: time);
        await using (model)
        {
            Task<int[]>[] both = [model.Ids([1], Generations.Greedy(4)), model.Ids([1], Generations.Greedy(4))];
            bothSubmitted.Set();
            await Task.WhenAll(both);
        }

        var queue = model.GetStatistics().QueueTime;
        queue.Count.Should().Be(2);
        queue.P50.Should().BeLessThan(TimeSpan.FromMilliseconds(1));
        queue.P99.Should().BeCloseTo(4 * StepTime, 0.05 * 4 * StepTime);
    }

    [Fact]
    public async Task Tokens_found_in_the_cache_are_counted()
    {
        var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));
        int[] prompt = [.. Enumerable.Range(0, 40)];
        await using (model)
        {
            await model.Ids(prompt, Generations.Greedy(1));
            await model.Ids(prompt, Generations.Greedy(1));
        }

        model.GetStatistics().Should().BeEquivalentTo(new { PromptTokens = 80L, CachedPromptTokens = 32L, PrefixHitRate = 0.4 });
    }

    [Fact]
    public async Task Requests_that_gave_way_are_counted()
    {
        var cache = new PagedKVCache(new KVCacheCapacity(6, 100), ScriptedModel.SlidingWindow);
        var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize), cache: cache, maxModelLength: 96);
        await using (model)
        {
            int[] other = [.. Enumerable.Repeat(500, 30)];
            await Task.WhenAll(model.Ids(new int[30], Generations.Greedy(40)), model.Ids(other, Generations.Greedy(40)));
        }

        model.GetStatistics().Preemptions.Should().BePositive();
    }

    [Fact]
    public async Task Several_answers_are_several_requests_with_one_prompt()
    {
        var time = new FakeTimeProvider();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize) { BeforeStep = (_, _) => time.Advance(StepTime) };
        var model = ScriptedModel.Create(executor, timeProvider: time);
        await using (model)
        {
            await model.Ids([1, 2, 3], Generations.Greedy(3) with { AnswerCount = 4 });
        }

        var statistics = model.GetStatistics();
        statistics.Should().BeEquivalentTo(new { FinishedRequests = 4L, PromptTokens = 3L, GeneratedTokens = 12L });
        ShouldBe(statistics.TimeToFirstToken, 4, StepTime);
        statistics.QueueTime.Count.Should().Be(4);
    }

    [Fact]
    public async Task Logits_are_no_tokens()
    {
        var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));
        await using (model)
        {
            await model.ComputeLogitsAsync([1, 2, 3], Token);
        }

        var statistics = model.GetStatistics();
        statistics.Should().BeEquivalentTo(new { FinishedRequests = 1L, GeneratedTokens = 0L });
        statistics.TimeToFirstToken.Count.Should().Be(0);
    }

    private static void ShouldBe(LatencyStatistics latency, long count, TimeSpan expected)
    {
        latency.Count.Should().Be(count);
        latency.Mean.Should().BeCloseTo(expected, TimeSpan.FromMilliseconds(1));
        latency.P50.Should().BeCloseTo(expected, 0.05 * expected);
        latency.P99.Should().BeCloseTo(expected, 0.05 * expected);
    }

    private static void CancelFor(int token, ReadOnlySpan<int> tokens, CancellationTokenSource cancellation)
    {
        if (tokens.Contains(token))
        {
            cancellation.Cancel();
        }
    }

    private static void SpoilAfter(int spoiled, int token, Span<float> row)
    {
        if (token == spoiled)
        {
            row.Fill(float.NaN);
        }
    }

    private static async Task Fail(GptOssModel model, int[] prompt, SamplingOptions options, CancellationToken cancellationToken)
    {
        var generation = async () => await model.GenerateAsync(prompt, options, cancellationToken: cancellationToken).LastAsync(Token);

        await generation.Should().ThrowAsync<Exception>();
    }
}
