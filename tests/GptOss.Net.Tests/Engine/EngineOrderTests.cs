using GptOss.Net.KVCache;
using Microsoft.Extensions.Time.Testing;

namespace GptOss.Net.Tests.Engine;

/// <summary>Who is served first, who is refused, and who has waited too long.</summary>
public sealed class EngineOrderTests
{
    [Fact]
    public async Task The_more_urgent_goes_first()
    {
        using var submitted = new ManualResetEventSlim();
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var started = new List<int>();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (_, batch) =>
            {
                running.TrySetResult();
                submitted.Wait(TestContext.Current.CancellationToken);
                started.AddRange(batch.TokenIds.ToArray().Where(id => id % 100 == 0));
            },
        };
        using var model = ScriptedModel.Create(executor, maxSequences: 1);

        var first = Ids(model, 100, new GenerationOptions());
        await running.Task;
        var usual = Ids(model, 200, new GenerationOptions());
        var idle = Ids(model, 300, new GenerationOptions { Priority = -1 });
        var urgent = Ids(model, 400, new GenerationOptions { Priority = 1 });
        submitted.Set();
        await Task.WhenAll(first, usual, idle, urgent);

        started.Should().Equal([100, 400, 100, 200, 300], "it takes the place of the one that runs, which goes on after it");
    }

    [Fact]
    public async Task A_request_that_waited_long_goes_before_one_that_is_more_urgent_but_new()
    {
        using var submitted = new ManualResetEventSlim();
        var time = new FakeTimeProvider();
        var started = new List<int>();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (_, batch) =>
            {
                submitted.Wait(TestContext.Current.CancellationToken);
                started.AddRange(batch.TokenIds.ToArray().Where(id => id % 100 == 0));
            },
        };
        using var model = ScriptedModel.Create(executor, maxSequences: 1, timeProvider: time);

        var running = Ids(model, 100, new GenerationOptions());
        var patient = Ids(model, 200, new GenerationOptions());
        time.Advance(TimeSpan.FromSeconds(11));
        var urgent = Ids(model, 300, new GenerationOptions { Priority = 1 });
        submitted.Set();
        await Task.WhenAll(running, patient, urgent);

        started.Should().Equal(100, 200, 300);
    }

    [Fact]
    public async Task A_request_that_is_late_ends_where_it_is_and_disturbs_no_other()
    {
        var time = new FakeTimeProvider();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (step, _) => time.Advance(TimeSpan.FromSeconds(1)),
        };
        using var model = ScriptedModel.Create(executor, maxSequences: 2, timeProvider: time);

        var patient = Ids(model, 100, new GenerationOptions());
        var late = Ids(model, 200, new GenerationOptions { Timeout = TimeSpan.FromSeconds(5) });
        var lateInTheQueue = Ids(model, 300, new GenerationOptions { Timeout = TimeSpan.FromSeconds(3) });

        await late.Awaiting(task => task).Should().ThrowAsync<TimeoutException>();
        await lateInTheQueue.Awaiting(task => task).Should().ThrowAsync<TimeoutException>();
        (await patient).Should().Equal(Enumerable.Range(101, 20));
    }

    [Fact]
    public async Task An_infinite_timeout_means_never()
    {
        var time = new FakeTimeProvider();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize) { BeforeStep = (_, _) => time.Advance(TimeSpan.FromDays(1)) };
        using var model = ScriptedModel.Create(executor, timeProvider: time);

        (await Ids(model, 100, new GenerationOptions { Timeout = Timeout.InfiniteTimeSpan })).Should().Equal(Enumerable.Range(101, 20));
        var refused = () => Ids(model, 100, new GenerationOptions { Timeout = TimeSpan.FromMilliseconds(-2) });
        await refused.Should().ThrowAsync<ArgumentOutOfRangeException>();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1_000)]
    public async Task Requests_that_wait_cost_no_memory_in_each_step(int waiting)
    {
        var allocated = new List<long>();
        using var submitted = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        var executor = new ScriptedExecutor(64)
        {
            BeforeStep = (_, _) =>
            {
                submitted.Wait(TestContext.Current.CancellationToken);
                allocated.Add(GC.GetAllocatedBytesForCurrentThread());
            },
        };
        using var model = ScriptedModel.Create(executor, maxSequences: 1, vocabularySize: 64);
        var running = model.Ids([1], Generations.Greedy(250));
        var others = Enumerable.Range(0, waiting).Select(_ => model
            .GenerateAsync([1], Generations.Greedy(1), cancellationToken: cancellation.Token)
            .GetAsyncEnumerator(CancellationToken.None).MoveNextAsync().AsTask()).ToArray();
        submitted.Set();
        await running;
        await cancellation.CancelAsync();

        ((allocated[240] - allocated[40]) / 200).Should().BeLessThan(6_000, "they are neither copied nor listed");
        others.Should().HaveCount(waiting);
    }

    [Fact]
    public async Task More_requests_than_may_wait_are_refused_until_some_have_ended()
    {
        using var refused = new ManualResetEventSlim();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (_, _) => refused.Wait(TestContext.Current.CancellationToken),
        };
        using var model = ScriptedModel.Create(executor, maxSequences: 1, maxRequests: 2);
        var accepted = new[] { Ids(model, 100, new GenerationOptions()), Ids(model, 200, new GenerationOptions()) };

        var third = () => Ids(model, 300, new GenerationOptions());

        (await third.Should().ThrowAsync<GptOssBusyException>()).WithMessage("*2*");
        refused.Set();
        await Task.WhenAll(accepted);
        model.Dispose(); // waits until they have left
    }

    [Fact]
    public async Task Requests_that_ended_make_room_for_others()
    {
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize), maxRequests: 8);
        for (var round = 0; round < 50; round++)
        {
            await Task.WhenAll(Enumerable.Range(1, 4).Select(i => Ids(model, i * 100, new GenerationOptions())));
        }
    }

    [Fact]
    public async Task A_sequence_that_can_never_fit_the_cache_fails_and_the_others_go_on()
    {
        var cache = new PagedKVCache(new KVCacheCapacity(4, 64), ScriptedModel.SlidingWindow);
        using var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize), cache: cache);

        var tooLong = () => model.Ids(new int[65], Generations.Greedy(5));
        var growing = () => model.Ids(new int[50], Generations.Greedy(500));

        (await tooLong.Should().ThrowAsync<GptOssException>()).WithMessage("*65 tokens*64*");
        await growing.Should().ThrowAsync<GptOssException>();
        (await model.Ids([7], Generations.Greedy(3))).Should().Equal(8, 9, 10);
    }

    private static async Task<int[]> Ids(GptOssModel model, int token, GenerationOptions generation)
    {
        var ids = new List<int>();
        await foreach (var next in model.GenerateAsync([token], Generations.Greedy(20), generation, TestContext.Current.CancellationToken))
        {
            ids.Add(next.Id);
        }

        return [.. ids];
    }
}
