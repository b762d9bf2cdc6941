using GptOss.Net.KVCache;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Scheduling;

public sealed class SchedulerTests
{
    private readonly PagedKVCache _cache = new(new KVCacheCapacity(8, 8), slidingWindow: 16);

    [Fact]
    public void A_long_prompt_is_computed_in_chunks_of_the_budget()
    {
        var scheduler = Create(maxStepTokens: 7);
        scheduler.Add(Prompt(16));

        Steps(scheduler, 3).Should().Be("7 | 7 | 2");
    }

    [Fact]
    public void A_decoding_sequence_takes_its_token_before_a_prompt_gets_the_rest()
    {
        var scheduler = Create(maxStepTokens: 8);
        var first = Prompt(8);
        scheduler.Add(first);
        Steps(scheduler, 1);
        first.Append(1);
        scheduler.Add(Prompt(20));

        Steps(scheduler, 1).Should().Be("1 + 7");
    }

    [Fact]
    public void A_prompt_that_does_not_fit_waits_and_lets_no_one_pass()
    {
        var scheduler = Create(maxStepTokens: 200);
        scheduler.Add(Prompt(100));
        scheduler.Add(Prompt(17));
        scheduler.Add(Prompt(1));

        Steps(scheduler, 1).Should().Be("100");
        scheduler.WaitingCount.Should().Be(2);
    }

    [Fact]
    public void No_more_sequences_run_than_allowed()
    {
        var scheduler = Create(maxStepTokens: 200, maxSequences: 2);
        scheduler.Add(Prompt(1));
        scheduler.Add(Prompt(1));
        scheduler.Add(Prompt(1));

        Steps(scheduler, 1).Should().Be("1 + 1");
    }

    [Fact]
    public void The_youngest_gives_up_its_blocks_and_computes_everything_again()
    {
        var scheduler = Create(maxStepTokens: 200);
        var (older, younger) = (Prompt(64), Prompt(64));
        scheduler.Add(older);
        scheduler.Add(younger);
        Steps(scheduler, 1).Should().Be("64 + 64");
        older.Append(1);
        younger.Append(1);

        Steps(scheduler, 1).Should().Be("1");
        younger.Status.Should().Be(SequenceStatus.Waiting);
        scheduler.Remove(older);

        Steps(scheduler, 1).Should().Be("65");
    }

    [Fact]
    public void A_removed_sequence_frees_its_blocks()
    {
        var scheduler = Create(maxStepTokens: 200);
        var sequence = Prompt(100);
        scheduler.Add(sequence);
        Steps(scheduler, 1);

        scheduler.Remove(sequence);

        _cache.Usage.Fraction.Should().Be(0);
        sequence.Status.Should().Be(SequenceStatus.Finished);
    }

    [Fact]
    public void A_sequence_that_waits_can_be_removed()
    {
        var scheduler = Create(maxStepTokens: 200);
        var sequence = Prompt(3);
        scheduler.Add(sequence);

        scheduler.Remove(sequence);

        scheduler.Plan().IsEmpty.Should().BeTrue();
    }

    private static Sequence Prompt(int length) => new(new int[length]);

    /// <summary>Runs some steps and tells the chunks of each.</summary>
    private static string Steps(Scheduler scheduler, int count) => string.Join(" | ", Enumerable.Range(0, count).Select(_ =>
    {
        var plan = scheduler.Plan();
        scheduler.Commit(plan);
        return string.Join(" + ", plan.Chunks.Select(chunk => chunk.TokenCount));
    }));

    private Scheduler Create(int maxStepTokens, int maxSequences = 8) =>
        new(_cache, new SchedulerOptions(maxSequences, maxStepTokens));
}
