using GptOss.Net.Execution.Torch;

namespace GptOss.Net.Tests.Execution;

/// <summary>That no tensor stays behind where steps go from stage to stage: these tests count the process's tensors.</summary>
[Collection(TensorCounts.Name)]
public sealed class PipelinedTensorCountTests
{
    static PipelinedTensorCountTests() => TorchRuntime.EnsureLoaded();

    private static readonly TimeSpan Never = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void Many_steps_leave_no_tensors(int stages)
    {
        using var fixture = new ModelFixture("a");
        using var executor = Load(fixture, stages);
        int[][] prompts = [.. Enumerable.Range(1, 6).Select(i => Enumerable.Range(i, 5 * i).ToArray())];
        Driver(fixture, executor).Greedy(4, prompts);
        var before = TensorCounts.Take();

        for (var round = 0; round < 10; round++)
        {
            Driver(fixture, executor).Greedy(20, prompts);
        }

        TensorCounts.Take().Should().Be(before);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Failing_steps_leave_no_tensors(int failingStage)
    {
        using var fixture = new ModelFixture("a");
        using var executor = Load(fixture, stages: 3);
        var sequence = Sequence(0);
        var before = TensorCounts.Take();

        for (var i = 0; i < 20; i++)
        {
            executor.Begin(sequence.Step(0, 20) with
            {
                BlockCopies = new StageVisits(stage => _ = stage == failingStage ? throw new InvalidOperationException() : 0),
            });
            executor.Invoking(e => e.Complete()).Should().Throw<InvalidOperationException>();
        }

        TensorCounts.Take().Should().Be(before);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Disposing_with_steps_in_flight_leaves_no_tensors(int stages)
    {
        using var fixture = new ModelFixture("a");
        var before = TensorCounts.Take();

        for (var begun = 0; begun <= 2 * stages; begun++)
        {
            using var executor = Load(fixture, stages);
            for (var i = 0; i < begun; i++)
            {
                if (i >= stages)
                {
                    executor.Complete();
                }

                executor.Begin(Sequence(i % stages).Step(0, 20));
            }
        }

        TensorCounts.Take().Should().Be(before);
    }

    [Fact]
    public void Disposing_while_a_hidden_state_is_handed_over_leaves_no_tensors()
    {
        using var fixture = new ModelFixture("a");
        var before = TensorCounts.Take();
        using var inSecondStage = new ManualResetEventSlim();
        using var disposing = new ManualResetEventSlim();
        var executor = Load(fixture, stages: 2);

        // The first step is held in the second stage, and the second one waits behind it with what the first stage computed.
        executor.Begin(Sequence(0).Step(0, 20) with { BlockCopies = new StageVisits(stage => Hold(stage == 1)) });
        executor.Begin(Sequence(1).Step(0, 20));
        inSecondStage.Wait(Never, TestContext.Current.CancellationToken).Should().BeTrue();
        var disposal = new Thread(executor.Dispose);
        disposal.Start();
        SpinWait.SpinUntil(() => disposal.ThreadState.HasFlag(ThreadState.WaitSleepJoin), Never).Should().BeTrue();
        disposing.Set();
        disposal.Join();

        TensorCounts.Take().Should().Be(before);

        void Hold(bool isTime)
        {
            if (isTime)
            {
                inSecondStage.Set();
                disposing.Wait(Never, TestContext.Current.CancellationToken);
            }
        }
    }

    private static TorchExecutor Load(ModelFixture fixture, int stages) =>
        LoadedExecutors.Load(fixture, stages: stages);

    private static ExecutorDriver Driver(ModelFixture fixture, TorchExecutor executor) =>
        new(executor, LoadedExecutors.Capacity, fixture.Config.SlidingWindow, maxStepTokens: 16);

    private static PackedSequence Sequence(int index) =>
        new([.. Enumerable.Range(0, 20).Select(i => (7 * i) + 3)], [2 * index, (2 * index) + 1], [(2 * index) + 8, (2 * index) + 9]);
}
