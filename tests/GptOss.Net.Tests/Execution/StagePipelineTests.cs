using System.Collections.Concurrent;
using GptOss.Net.Execution;

namespace GptOss.Net.Tests.Execution;

/// <summary>Stages that work at the same time, without a model.</summary>
public sealed class StagePipelineTests
{
    private static readonly TimeSpan Never = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Every_step_passes_all_stages_in_order(int stages)
    {
        var passed = Enumerable.Range(0, stages).Select(_ => new ConcurrentQueue<int>()).ToArray();
        using var pipeline = Pipeline(stages, (stage, step) => passed[stage].Enqueue(step.Number));
        var completed = new List<int>();

        for (var i = 0; i < 200; i++)
        {
            if (i >= stages)
            {
                completed.Add(pipeline.Complete().Number);
            }

            pipeline.Begin(new Step(i));
        }

        completed.AddRange(Enumerable.Range(0, stages).Select(_ => pipeline.Complete().Number));
        completed.Should().Equal(Enumerable.Range(0, 200));
        passed.Should().AllSatisfy(steps => steps.Should().Equal(Enumerable.Range(0, 200)));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void All_stages_work_at_the_same_time(int stages)
    {
        // Each stage holds a step until every other stage has one.
        using var everyStageWorks = new Barrier(stages);
        var met = 0;
        using var pipeline = Pipeline(stages, (stage, step) =>
        {
            if (stage + step.Number == stages - 1 && everyStageWorks.SignalAndWait(Never))
            {
                Interlocked.Increment(ref met);
            }
        });

        BeginAll(pipeline);
        CompleteAll(pipeline);

        met.Should().Be(stages);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Beginning_a_step_does_not_wait_for_it(int stages)
    {
        using var begun = new ManualResetEventSlim();
        using var pipeline = Pipeline(stages, (_, _) => begun.Wait(Never, TestContext.Current.CancellationToken).Should().BeTrue());

        BeginAll(pipeline);
        begun.Set();

        CompleteAll(pipeline).Should().Equal(Enumerable.Range(0, stages));
    }

    [Fact]
    public void A_stage_that_is_ahead_waits_with_the_second_step()
    {
        using var held = new ManualResetEventSlim();
        using var first = new CountdownEvent(4);
        using var pipeline = Pipeline(4, (stage, _) =>
        {
            if (stage == 0)
            {
                first.Signal();
            }
            else if (stage == 1)
            {
                held.Wait(Never, TestContext.Current.CancellationToken);
            }
        });

        // One is in the second stage, one waits for it, one is held by the first stage; the last is not looked at.
        BeginAll(pipeline);
        SpinWait.SpinUntil(() => first.CurrentCount <= 1, Never).Should().BeTrue();
        first.Wait(TimeSpan.FromMilliseconds(50), TestContext.Current.CancellationToken).Should().BeFalse();

        held.Set();
        CompleteAll(pipeline).Should().Equal(0, 1, 2, 3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_step_that_is_alone_is_computed_by_who_completes_it(int stages)
    {
        var threads = new ConcurrentBag<Thread>();
        using var pipeline = Pipeline(stages, (_, _) => threads.Add(Thread.CurrentThread));

        for (var i = 0; i < 3; i++)
        {
            pipeline.Begin(new Step(i));
            pipeline.Complete().Number.Should().Be(i);
        }

        threads.Should().HaveCount(3 * stages).And.OnlyContain(thread => thread == Thread.CurrentThread);
    }

    [Fact]
    public void A_step_stays_alone_only_until_another_is_begun()
    {
        var threads = new ConcurrentDictionary<int, Thread>();
        using var pipeline = Pipeline(2, (stage, step) => threads[(step.Number * 2) + stage] = Thread.CurrentThread);

        BeginAll(pipeline);
        CompleteAll(pipeline).Should().Equal(0, 1);
        pipeline.Begin(new Step(2));
        pipeline.Complete().Number.Should().Be(2);

        threads[2].Should().Be(threads[0]).And.NotBe(threads[1]);
        new[] { threads[0], threads[1] }.Should().NotContain(Thread.CurrentThread);
        new[] { threads[4], threads[5] }.Should().OnlyContain(thread => thread == Thread.CurrentThread);
    }

    [Fact]
    public void Disposing_frees_a_step_that_is_alone()
    {
        var pipeline = Pipeline(2, (_, _) => Assert.Fail("It was to begin no step."));
        var step = new Step(0);
        pipeline.Begin(step);

        pipeline.Dispose();

        step.IsDisposed.Should().BeTrue();
    }

    [Fact]
    public void No_more_steps_are_begun_than_there_are_stages()
    {
        using var pipeline = Pipeline(2, (_, _) => { });
        BeginAll(pipeline);

        pipeline.Invoking(p => p.Begin(new Step(2))).Should().Throw<InvalidOperationException>().WithMessage("2 of 2 steps*");
    }

    [Fact]
    public void No_step_is_completed_that_was_not_begun()
    {
        using var pipeline = Pipeline(2, (_, _) => { });

        pipeline.Invoking(p => p.Complete()).Should().Throw<InvalidOperationException>();
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Disposing_ends_the_step_in_work_and_begins_no_other(int stages)
    {
        using var working = new ManualResetEventSlim();
        using var released = new ManualResetEventSlim();
        var threads = new ConcurrentBag<Thread>();
        var work = new ConcurrentQueue<(int Stage, int Step)>();
        var pipeline = Pipeline(stages, (stage, step) =>
        {
            work.Enqueue((stage, step.Number));
            threads.Add(Thread.CurrentThread);
            working.Set();
            released.Wait(Never, TestContext.Current.CancellationToken);
        });
        var steps = BeginAll(pipeline);
        working.Wait(Never, TestContext.Current.CancellationToken);

        var disposal = new Thread(pipeline.Dispose);
        disposal.Start();
        SpinWait.SpinUntil(() => disposal.ThreadState.HasFlag(ThreadState.WaitSleepJoin), Never).Should().BeTrue();
        released.Set();
        disposal.Join();

        work.Should().Equal((0, 0));
        steps.Should().OnlyContain(step => step.IsDisposed);
        threads.Should().OnlyContain(thread => !thread.IsAlive);
    }

    private static StagePipeline<Step> Pipeline(int stages, Action<int, Step> work) =>
        new([.. Enumerable.Range(0, stages).Select<int, Action<Step>>(stage => step => work(stage, step))]);

    private static Step[] BeginAll(StagePipeline<Step> pipeline)
    {
        var steps = Enumerable.Range(0, pipeline.Capacity).Select(i => new Step(i)).ToArray();
        Array.ForEach(steps, pipeline.Begin);
        return steps;
    }

    private static int[] CompleteAll(StagePipeline<Step> pipeline) =>
        [.. Enumerable.Range(0, pipeline.Capacity).Select(_ => pipeline.Complete().Number)];

    private sealed class Step(int number) : IDisposable
    {
        public int Number { get; } = number;

        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
