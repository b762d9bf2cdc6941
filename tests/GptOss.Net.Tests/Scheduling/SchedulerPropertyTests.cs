using CsCheck;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Scheduling;

public sealed class SchedulerPropertyTests
{
    private const int LongestSequence = 100;

    private static readonly Gen<ScheduledJob> Job = Gen.Select(
        Gen.Int[0, 40],
        Gen.Int[1, 60],
        Gen.Int[1, LongestSequence - 60],
        Gen.Frequency((5, Gen.Const(int.MaxValue)), (1, Gen.Int[0, 120])),
        Gen.Frequency((3, Gen.Const(1)), (1, Gen.Int[2, 3])),
        Gen.Frequency((3, Gen.Const(0)), (1, Gen.Int[-3, 3])),
        (arrival, prompt, output, cancel, answers, priority) =>
            new ScheduledJob(arrival, prompt, output, cancel, answers) { Priority = priority });

    // From a cache that holds a single sequence to one that holds a few.
    private static readonly Gen<SchedulerSimulation> Simulation =
        from jobs in Job.Array[1, 10]
        from window in Gen.Int[1, 40]
        from options in Gen.Select(Gen.Int[1, 8], Gen.Frequency((1, Gen.Int[1, 8]), (2, Gen.Int[1, 80])))
        let sizing = new KVCacheSizing(1, window, 2, options.Item2)
        from extraFull in Gen.Int[0, 14]
        from slidingSequences in Gen.Int[1, options.Item1]
        from maxStepsInFlight in Gen.Int[1, 3]
        let capacity = new KVCacheCapacity(
            sizing.PoolBlocks(AttentionKind.Full, 1, LongestSequence) + extraFull,
            sizing.PoolBlocks(AttentionKind.Sliding, slidingSequences, LongestSequence))
        select new SchedulerSimulation(
            jobs, capacity, window, new SchedulerOptions(options.Item1, options.Item2) { MaxStepsInFlight = maxStepsInFlight });

    /// <summary>
    /// After every plan and commit: the cache is sound, budget and limits hold, decodes go first and take turns, the first prompt in rank
    /// gets its half and waits for none that came later, what a step computes stays as it is, no token is lost; in the end everything
    /// finished in a bounded number of steps and the cache is empty.
    /// </summary>
    [Fact]
    public void Any_traffic_ends_with_every_token_computed_and_every_block_free() =>
        Simulation.Sample(simulation => simulation.Run(), iter: LongTests.Scale(500), threads: 1);

    /// <summary>
    /// With steps of a token, prompts and what decodes take turns: who decodes takes the blocks of others and then gives up its own,
    /// in a step that has no token of it. The prompt that can go on now does.
    /// </summary>
    [Fact]
    public void Steps_of_a_token_go_on_when_all_but_a_prompt_gave_up_their_blocks() =>
        Simulation.Sample(simulation => simulation.Run(), seed: "b-9nWOmVB3a1", iter: 1, threads: 1);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Small_pools_do_preempt(int maxStepsInFlight)
    {
        var jobs = Enumerable.Repeat(new ScheduledJob(0, 20, 60, int.MaxValue), 6).ToArray();
        var options = new SchedulerOptions(4, 64) { MaxStepsInFlight = maxStepsInFlight };
        var simulation = new SchedulerSimulation(jobs, new KVCacheCapacity(11, 40), 16, options);

        simulation.Run();

        simulation.PreemptionCount.Should().BePositive();
        simulation.MostStepsInFlight.Should().Be(maxStepsInFlight);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Answers_to_a_prompt_do_copy_blocks(int maxStepsInFlight)
    {
        var jobs = Enumerable.Range(0, 4).Select(i => new ScheduledJob(i, 20 + i, 40, int.MaxValue, AnswerCount: 3)).ToArray();
        var options = new SchedulerOptions(12, 64) { MaxStepsInFlight = maxStepsInFlight };
        var simulation = new SchedulerSimulation(jobs, new KVCacheCapacity(60, 60), 16, options);

        simulation.Run();

        simulation.CopyCount.Should().BePositive();
        simulation.MostStepsInFlight.Should().Be(maxStepsInFlight);
    }
}
