using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.Engine;

/// <summary>How generations and the engine end: cancelled, abandoned, disposed.</summary>
public sealed class EngineEndingTests
{
    [Fact]
    public async Task A_generation_cancelled_before_it_begins_computes_nothing()
    {
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize);
        using (var model = ScriptedModel.Create(executor))
        {
            var generation = () => Read(model, [7], new CancellationToken(canceled: true));

            await generation.Should().ThrowAsync<OperationCanceledException>();
        }

        executor.StepCount.Should().Be(0);
    }

    [Fact]
    public async Task A_cancelled_generation_ends_before_its_next_step()
    {
        using var cancellation = new CancellationTokenSource();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (step, _) => CancelAt(3, step, cancellation),
        };
        using (var model = ScriptedModel.Create(executor))
        {
            var generation = () => Read(model, [7], cancellation.Token);

            await generation.Should().ThrowAsync<OperationCanceledException>();
        }

        executor.StepCount.Should().Be(3);
    }

    [Fact]
    public async Task A_cancelled_computation_of_logits_ends()
    {
        using var cancellation = new CancellationTokenSource();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (step, _) => CancelAt(2, step, cancellation),
        };
        using (var model = ScriptedModel.Create(executor, maxStepTokens: 10))
        {
            var logits = () => model.ComputeLogitsAsync(new int[100], cancellation.Token);

            await logits.Should().ThrowAsync<OperationCanceledException>();
        }

        executor.StepCount.Should().Be(2);
    }

    [Fact]
    public async Task A_generation_cancelled_while_it_waits_is_never_computed()
    {
        using var cancelled = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        var tokens = new List<int>();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (_, batch) =>
            {
                cancelled.Wait(TestContext.Current.CancellationToken);
                tokens.AddRange(batch.TokenIds.Span);
            },
        };
        using var model = ScriptedModel.Create(executor, maxSequences: 1);
        var running = model.Ids([7], Generations.Greedy(5));
        var waiting = Read(model, [900], cancellation.Token);

        await cancellation.CancelAsync();
        cancelled.Set();

        await waiting.Awaiting(task => task).Should().ThrowAsync<OperationCanceledException>();
        (await running).Should().Equal(8, 9, 10, 11, 12);
        (await model.Ids([300], Generations.Greedy(1))).Should().Equal(301);
        tokens.Should().NotContain(900);
    }

    [Fact]
    public async Task A_reader_that_leaves_frees_its_blocks_before_the_next_step()
    {
        var cache = new PagedKVCache(new KVCacheCapacity(64, 64), ScriptedModel.SlidingWindow);
        var blocks = new List<int>();
        using var read = new ManualResetEventSlim();
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (step, batch) =>
            {
                if (step == 2)
                {
                    read.Wait(TestContext.Current.CancellationToken);
                }

                if (batch.TokenIds.Span[0] == 900)
                {
                    blocks.Add(cache.Usage.FullBlocksUsed);
                }
            },
        };
        using var model = ScriptedModel.Create(executor, cache: cache);

        await foreach (var token in model.GenerateAsync(
            Enumerable.Range(0, 40).ToArray(), Generations.Greedy(500), cancellationToken: TestContext.Current.CancellationToken))
        {
            token.Id.Should().Be(40);
            break;
        }

        var next = model.Ids([900], Generations.Greedy(1));
        read.Set();
        await next;

        blocks.Should().Equal(1);
    }

    [Fact]
    public async Task Generations_that_run_when_the_model_is_disposed_end_with_an_error()
    {
        using var disposing = new ManualResetEventSlim();
        var running = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (step, _) =>
            {
                if (step == 3)
                {
                    running.SetResult();
                    disposing.Wait(TestContext.Current.CancellationToken);
                }
            },
        };
        var model = ScriptedModel.Create(executor, maxSequences: 2);
        var readers = Enumerable.Range(1, 4).Select(i => model.Ids([i * 100])).ToArray();
        var logits = model.ComputeLogitsAsync([1, 2, 3], TestContext.Current.CancellationToken);
        await running.Task;

        var disposal = model.DisposeAsync();
        disposing.Set();
        await disposal;

        foreach (var reader in readers)
        {
            await reader.Awaiting(task => task).Should().ThrowAsync<ObjectDisposedException>();
        }

        await logits.Awaiting(task => task).Should().ThrowAsync<ObjectDisposedException>();
        executor.StepCount.Should().Be(3);
        executor.IsDisposed.Should().BeTrue();
    }

    [Fact]
    public async Task A_disposed_model_refuses_work()
    {
        var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));
        await model.DisposeAsync();

        await model.Awaiting(disposed => disposed.Ids([7])).Should().ThrowAsync<ObjectDisposedException>();
        await model.Awaiting(disposed => disposed.ComputeLogitsAsync([7])).Should().ThrowAsync<ObjectDisposedException>();
    }

    [Fact]
    public async Task Disposing_again_does_nothing()
    {
        var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));

        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => model.DisposeAsync().AsTask())));
        model.Dispose();

        await model.Awaiting(disposed => disposed.Ids([7])).Should().ThrowAsync<ObjectDisposedException>();
    }

    [Fact]
    public async Task A_model_disposed_at_any_moment_answers_or_fails_every_request()
    {
        for (var round = 0; round < LongTests.Scale(50); round++)
        {
            var model = ScriptedModel.Create(new ScriptedExecutor(ScriptedModel.VocabularySize));
            var readers = Enumerable.Range(1, 8).Select(i => Task.Run(() => model.Ids([i], Generations.Greedy(20)))).ToArray();
            await readers[round % 8].ContinueWith(_ => { }, TaskScheduler.Default);

            await model.DisposeAsync();

            foreach (var reader in readers)
            {
                var error = await reader.ContinueWith(task => task.Exception?.InnerException, TaskScheduler.Default);
                (error is null or ObjectDisposedException).Should().BeTrue();
            }
        }
    }

    [Fact]
    public async Task An_error_of_the_engine_itself_ends_every_request_and_frees_the_executor()
    {
        var executor = new ScriptedExecutor(ScriptedModel.VocabularySize)
        {
            BeforeStep = (_, _) => throw new InvalidOperationException("The device has gone."),
            Continues = false,
        };
        var model = ScriptedModel.Create(executor, maxSequences: 1, logger: new FailingLogger());

        var requests = Enumerable.Range(1, 3).Select(i => model.Ids([i])).ToArray();

        foreach (var request in requests)
        {
            var error = await request.ContinueWith(task => task.Exception!.InnerException, TaskScheduler.Default);
            (error is GptOssException or ObjectDisposedException).Should().BeTrue();
        }

        await model.DisposeAsync();
        executor.IsDisposed.Should().BeTrue();
    }

    private static async Task Read(GptOssModel model, int[] prompt, CancellationToken cancellationToken)
    {
        await foreach (var token in model.GenerateAsync(prompt, null, cancellationToken: cancellationToken))
        {
            token.FinishReason.Should().BeNull();
        }
    }

    private static void CancelAt(int cancelStep, int step, CancellationTokenSource cancellation)
    {
        if (step == cancelStep)
        {
            cancellation.Cancel();
        }
    }
}
