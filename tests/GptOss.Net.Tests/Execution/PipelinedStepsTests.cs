using GptOss.Net.Execution;
using GptOss.Net.Execution.Torch;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Execution;

/// <summary>Steps that several stages of the reference compute at the same time.</summary>
public sealed class PipelinedStepsTests(LoadedExecutors executors) : IClassFixture<LoadedExecutors>
{
    private static readonly TimeSpan Never = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("a", 2, 7)]
    [InlineData("a", 2, 64)]
    [InlineData("a", 3, 7)]
    [InlineData("a", 3, 64)]
    [InlineData("b", 2, 7)]
    [InlineData("b", 3, 64)]
    public void Steps_in_flight_have_the_same_bits_as_one_after_the_other(string model, int stages, int maxStepTokens)
    {
        var fixture = executors.Fixture(model);
        using var recording = new RecordingExecutor(executors.Executor(model, stages: stages));
        var driver = new ExecutorDriver(recording, LoadedExecutors.Capacity, fixture.Config.SlidingWindow, maxStepTokens);

        // Each prompt twice, so that sequences share blocks and every step has some.
        var cases = fixture.Cases.Concat(fixture.Cases).ToArray();

        var tokens = driver.Greedy(32, [.. cases.Select(expected => expected.InputIds)]);

        driver.MostStepsInFlight.Should().Be(stages);
        tokens.Should().BeEquivalentTo(cases.Select(expected => expected.Greedy), options => options.WithStrictOrdering());
        foreach (var executor in new[] { executors.Executor(model), executors.Executor(model, stages: stages) })
        {
            recording.Steps.Should().OnlyContain(step => SameBits(Run(executor, step.Batch), step.Logits));
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void All_stages_compute_at_the_same_time(int stages)
    {
        // Each stage holds its step until every other stage has one, too.
        using var everyStageWorks = new Barrier(stages);
        var executor = executors.Executor("a", stages: stages);

        for (var i = 0; i < stages; i++)
        {
            var last = stages - 1 - i;
            executor.Begin(Sequence(i).Step(0, 4) with { BlockCopies = new StageVisits(stage => Meet(stage == last)) });
        }

        for (var i = 0; i < stages; i++)
        {
            executor.Complete().Logits.Length.Should().Be(4 * executors.Fixture("a").Config.VocabularySize);
        }

        void Meet(bool isTime)
        {
            if (isTime && !everyStageWorks.SignalAndWait(Never))
            {
                throw new TimeoutException("The other stages do not work.");
            }
        }
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    public void A_step_that_fails_in_any_stage_fails_where_it_is_completed_and_the_others_go_on(int stages, int failingStage)
    {
        var executor = executors.Executor("a", stages: stages);
        var expected = Run(executor, Sequence(0).Step(0, 20));
        var failing = Sequence(1).Step(0, 20) with
        {
            BlockCopies = new StageVisits(stage => _ = stage == failingStage ? throw new InvalidOperationException("Out of memory.") : 0),
        };

        executor.Begin(failing);
        executor.Begin(Sequence(2).Step(0, 20));

        executor.Invoking(e => e.Complete()).Should().Throw<InvalidOperationException>().WithMessage("Out of memory.");
        executor.Complete().Logits.ToArray().Should().Equal(expected);
        executor.CanContinue().Should().BeTrue();
        Run(executor, Sequence(1).Step(0, 20)).Should().Equal(expected);
    }

    [Fact]
    public void The_blocks_of_a_failing_step_are_copied_in_every_stage()
    {
        var executor = executors.Executor("a", stages: 2);
        var (original, copied) = (Sequence(0), Sequence(1));
        Run(executor, original.Step(0, 20));
        var copies = original.FullBlocks.Zip(copied.FullBlocks, (from, to) => new BlockCopy(AttentionKind.Full, from, to))
            .Concat(original.SlidingBlocks.Zip(copied.SlidingBlocks, (from, to) => new BlockCopy(AttentionKind.Sliding, from, to)));
        var failing = Sequence(2).Step(0, 1, [.. copies]) with { TokenIds = new[] { int.MaxValue } };

        executor.Begin(failing);
        executor.Begin(copied.Step(20, 4));

        executor.Invoking(e => e.Complete()).Should().Throw<Exception>();
        executor.Complete().Logits.ToArray().Should().Equal(Run(executor, original.Step(20, 4)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Logits_stay_until_the_next_step_is_completed_whatever_is_computed_meanwhile(int stages)
    {
        var executor = executors.Executor("a", stages: stages);
        var results = new List<StepResult>();
        for (var i = 0; i < stages; i++)
        {
            executor.Begin(Sequence(i).Step(0, 4));
        }

        // The first is read while as many steps as there are stages are computed behind it.
        for (var i = 0; i <= stages; i++)
        {
            results.Add(executor.Complete());
            executor.Begin(Sequence(i % stages).Step(4, 4));
        }

        for (var i = 0; i < stages; i++)
        {
            executor.Complete();
        }

        results.Skip(1).Any(later => later.Logits.Span.Overlaps(results[0].Logits.Span)).Should().BeFalse();
    }

    private static bool SameBits(float[] left, float[] right) => left.AsSpan().SequenceEqual(right);

    /// <summary>A sequence of up to 48 tokens, always the same ones, in blocks of its own.</summary>
    private static PackedSequence Sequence(int index) => new(
        [.. Enumerable.Range(0, 48).Select(i => (7 * i) + 3)],
        [3 * index, (3 * index) + 1, (3 * index) + 2],
        [(3 * index) + 30, (3 * index) + 31, (3 * index) + 32]);

    private static float[] Run(TorchExecutor executor, StepBatch batch)
    {
        executor.Begin(batch);
        return executor.Complete().Logits.ToArray();
    }
}
