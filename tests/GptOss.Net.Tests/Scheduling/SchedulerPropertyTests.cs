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
        (arrival, prompt, output, cancel) => new ScheduledJob(arrival, prompt, output, cancel));

    // From a cache that holds a single sequence to one that holds a few.
    private static readonly Gen<SchedulerSimulation> Simulation =
        from jobs in Job.Array[1, 10]
        from window in Gen.Int[1, 40]
        from options in Gen.Select(Gen.Int[1, 8], Gen.Frequency((1, Gen.Int[1, 8]), (2, Gen.Int[1, 80])))
        let sizing = new KVCacheSizing(1, window, 2, options.Item2)
        from extraFull in Gen.Int[0, 14]
        from slidingSequences in Gen.Int[1, options.Item1]
        let capacity = new KVCacheCapacity(
            sizing.PoolBlocks(AttentionKind.Full, 1, LongestSequence) + extraFull,
            sizing.PoolBlocks(AttentionKind.Sliding, slidingSequences, LongestSequence))
        select new SchedulerSimulation(jobs, capacity, window, new SchedulerOptions(options.Item1, options.Item2));

    /// <summary>
    /// After every plan and commit: the cache is sound, budget and limits hold, decodes go first, nobody overtakes, no token is
    /// lost; in the end everything finished in a bounded number of steps and the cache is empty.
    /// </summary>
    [Fact]
    public void Any_traffic_ends_with_every_token_computed_and_every_block_free() =>
        Simulation.Sample(simulation => simulation.Run(), iter: LongTests.Scale(500), threads: 1);

    [Fact]
    public void Small_pools_do_preempt()
    {
        var jobs = Enumerable.Repeat(new ScheduledJob(0, 20, 60, int.MaxValue), 4).ToArray();
        var simulation = new SchedulerSimulation(jobs, new KVCacheCapacity(9, 40), 16, new SchedulerOptions(4, 64));

        simulation.Run();

        simulation.PreemptionCount.Should().BePositive();
    }
}
