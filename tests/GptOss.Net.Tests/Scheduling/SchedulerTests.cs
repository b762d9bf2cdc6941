using GptOss.Net.KVCache;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Scheduling;

public sealed class SchedulerTests
{
    private readonly PagedKVCache _cache = new(new KVCacheCapacity(8, 8), slidingWindow: 16);
    private int _firstToken;

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
    public void A_prompt_that_does_not_fit_waits_and_shorter_ones_pass()
    {
        var scheduler = Create(maxStepTokens: 200);
        scheduler.Add(Prompt(60));
        scheduler.Add(Prompt(70));
        scheduler.Add(Prompt(80));
        scheduler.Add(Prompt(1));

        Steps(scheduler, 1).Should().Be("60 + 1");
        scheduler.WaitingCount.Should().Be(2);
    }

    [Fact]
    public void Who_passed_gives_its_blocks_back_as_soon_as_that_is_enough()
    {
        var scheduler = Create(maxStepTokens: 200, cachesPrefixes: false);
        var (first, passed) = (Prompt(60), Prompt(110));
        scheduler.Add(first);
        scheduler.Add(passed);
        Steps(scheduler, 1).Should().Be("60");
        var shorter = Prompt(20);
        scheduler.Add(shorter);
        Steps(scheduler, 1).Should().Be("20");
        shorter.Append(1);

        scheduler.Remove(first);

        Steps(scheduler, 1).Should().Be("110");
        shorter.Status.Should().Be(SequenceStatus.Waiting);
        scheduler.PreemptionCount.Should().Be(1);
    }

    [Fact]
    public void Half_of_the_budget_is_of_the_first_prompt_and_half_of_shorter_ones()
    {
        var scheduler = Create(maxStepTokens: 20);
        scheduler.Add(Prompt(50));
        Steps(scheduler, 1).Should().Be("20");
        scheduler.Add(Prompt(12));
        scheduler.Add(Prompt(3));

        Steps(scheduler, 2).Should().Be("10 + 3 + 7 | 15 + 5");
    }

    [Fact]
    public void A_prompt_that_has_as_much_left_as_the_first_waits()
    {
        var scheduler = Create(maxStepTokens: 10);
        scheduler.Add(Prompt(30));
        scheduler.Add(Prompt(30));
        scheduler.Add(Prompt(31));

        Steps(scheduler, 4).Should().Be("10 | 10 | 10 | 10");
    }

    [Fact]
    public void A_prompt_of_which_most_is_in_the_cache_counts_as_a_short_one()
    {
        var scheduler = Create(maxStepTokens: 200);
        var known = Prompt(60);
        scheduler.Add(known);
        Steps(scheduler, 1);
        scheduler.Remove(known);
        var narrow = new Scheduler(_cache, new SchedulerOptions(8, 8));
        narrow.Add(Prompt(40));
        Steps(narrow, 1).Should().Be("8");
        narrow.Add(new Sequence([.. known.Tokens, 1]));

        Steps(narrow, 1).Should().Be("4 + 4");
    }

    [Fact]
    public void The_more_urgent_goes_first_for_the_budget()
    {
        var scheduler = Create(maxStepTokens: 10);
        scheduler.Add(Prompt(30));
        Steps(scheduler, 1).Should().Be("10");
        scheduler.Add(Urgent(40));

        Steps(scheduler, 2).Should().Be("10 | 10");
        scheduler.RunningCount.Should().Be(2);
    }

    [Fact]
    public void The_more_urgent_takes_the_place_and_the_blocks_of_others()
    {
        var scheduler = Create(maxStepTokens: 200, maxSequences: 2);
        var (older, younger) = (Prompt(20), Prompt(20));
        scheduler.Add(older);
        scheduler.Add(younger);
        Steps(scheduler, 1).Should().Be("20 + 20");
        older.Append(1);
        younger.Append(1);
        scheduler.Add(Urgent(20));

        Steps(scheduler, 1).Should().Be("1 + 20");
        younger.Status.Should().Be(SequenceStatus.Waiting);

        scheduler.Add(Urgent(70));
        Steps(scheduler, 1).Should().Be("70");
        older.Status.Should().Be(SequenceStatus.Waiting);
    }

    [Fact]
    public void Sequences_take_turns_when_a_step_has_fewer_tokens_than_there_are()
    {
        var scheduler = new Scheduler(new PagedKVCache(new KVCacheCapacity(64, 64), slidingWindow: 16), new SchedulerOptions(8, 4));
        Sequence[] sequences = [.. Enumerable.Range(0, 8).Select(_ => Prompt(1))];
        Array.ForEach(sequences, scheduler.Add);
        for (var step = 0; step < 40; step++)
        {
            var plan = scheduler.Plan();
            scheduler.Commit(plan);
            foreach (var chunk in plan.Chunks)
            {
                chunk.Sequence.Append(1);
            }
        }

        sequences.Max(sequence => sequence.Tokens.Count).Should().BeLessThanOrEqualTo(sequences.Min(sequence => sequence.Tokens.Count) + 5);
        sequences.Min(sequence => sequence.Tokens.Count).Should().BeGreaterThan(12);
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
        var scheduler = Create(maxStepTokens: 200, cachesPrefixes: false);
        var (older, younger) = (Prompt(64), Prompt(48));
        scheduler.Add(older);
        scheduler.Add(younger);
        Steps(scheduler, 1).Should().Be("64 + 48");
        older.Append(1);
        younger.Append(1);

        Steps(scheduler, 1).Should().Be("1");
        younger.Status.Should().Be(SequenceStatus.Waiting);
        scheduler.Remove(older);

        Steps(scheduler, 1).Should().Be("49");
    }

    [Fact]
    public void A_preempted_sequence_begins_again_with_what_the_cache_still_holds()
    {
        var scheduler = Create(maxStepTokens: 200);
        var (older, younger) = (Prompt(64), Prompt(48));
        scheduler.Add(older);
        scheduler.Add(younger);
        Steps(scheduler, 1);
        older.Append(1);
        younger.Append(1);
        Steps(scheduler, 1).Should().Be("1");

        scheduler.Remove(older);

        Steps(scheduler, 1).Should().Be("1", "48 of its 49 tokens are there");
    }

    [Fact]
    public void A_prompt_that_begins_like_an_earlier_one_is_computed_from_where_they_differ()
    {
        var scheduler = Create(maxStepTokens: 200);
        var first = Prompt(70);
        scheduler.Add(first);
        Steps(scheduler, 1);
        scheduler.Remove(first);
        var second = new Sequence([.. first.Tokens.Take(40), .. Prompt(30).Tokens]);
        scheduler.Add(second);

        Steps(scheduler, 1).Should().Be("38");
        second.CachedTokens.Should().Be(32);
        scheduler.Prefixes.Should().Be(new PrefixCounts(140, 32));
    }

    [Fact]
    public void Prompts_that_name_different_salts_share_nothing()
    {
        var scheduler = Create(maxStepTokens: 200);
        var first = Prompt(40);
        scheduler.Add(first);
        Steps(scheduler, 1);
        scheduler.Add(new Sequence([.. first.Tokens], "tenant"));

        Steps(scheduler, 1).Should().Be("40");
    }

    [Fact]
    public void Prompts_that_are_computed_at_once_share_their_blocks_afterwards()
    {
        var scheduler = Create(maxStepTokens: 200);
        var first = Prompt(40);
        scheduler.Add(first);
        scheduler.Add(new Sequence([.. first.Tokens]));

        Steps(scheduler, 1).Should().Be("40 + 40");

        _cache.Usage.FullBlocksUsed.Should().Be(4, "two are complete and shared, and each has one of its own");
    }

    [Fact]
    public void A_lower_rank_goes_first()
    {
        var scheduler = Create(maxStepTokens: 200, maxSequences: 1);
        scheduler.Add(new Sequence(new int[5]) { Rank = 2 });
        scheduler.Add(new Sequence(new int[6]) { Rank = 1 });
        scheduler.Add(new Sequence(new int[7]) { Rank = 1 });

        Steps(scheduler, 1).Should().Be("6");
    }

    [Fact]
    public void A_forked_sequence_decodes_from_where_its_source_stands()
    {
        var scheduler = Create(maxStepTokens: 200);
        var source = Prompt(20);
        var fork = new Sequence([.. source.Tokens]);
        scheduler.Add(source);
        Steps(scheduler, 1);

        scheduler.TryFork(source, fork).Should().BeTrue();
        source.Append(1);
        fork.Append(2);
        var plan = scheduler.Plan();

        plan.Chunks.Should().Equal(new ScheduledChunk(source, 1), new ScheduledChunk(fork, 1));
        plan.BlockCopies.Should().HaveCount(2, "both kinds have a block that is not complete");
    }

    [Fact]
    public void Two_stages_get_half_of_the_sequences_each()
    {
        var scheduler = Create(maxStepTokens: 200, maxStepsInFlight: 2);
        for (var length = 1; length <= 3; length++)
        {
            scheduler.Add(Prompt(length));
        }

        var (first, second) = (scheduler.Plan(), scheduler.Plan());

        first.Chunks.Select(chunk => chunk.TokenCount).Should().Equal(1, 2);
        second.Chunks.Select(chunk => chunk.TokenCount).Should().Equal(3);
        scheduler.Plan().IsEmpty.Should().BeTrue("everything is in flight");
    }

    [Fact]
    public void The_blocks_of_a_sequence_that_is_removed_while_a_step_computes_it_are_free_when_the_step_ends()
    {
        var scheduler = Create(maxStepTokens: 200);
        var sequence = Prompt(3);
        scheduler.Add(sequence);
        var plan = scheduler.Plan();

        scheduler.Remove(sequence);

        scheduler.CacheUsage.FullBlocksUsed.Should().Be(1);
        scheduler.Commit(plan);
        scheduler.CacheUsage.FullBlocksUsed.Should().Be(0);

        _cache.Usage.Fraction.Should().Be(0);
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

    /// <summary>A prompt of tokens that no other has.</summary>
    private Sequence Prompt(int length)
    {
        _firstToken += length;
        return new Sequence([.. Enumerable.Range(_firstToken, length)]);
    }

    private Sequence Urgent(int length)
    {
        _firstToken += length;
        return new Sequence([.. Enumerable.Range(_firstToken, length)]) { Priority = 1, Rank = -1 };
    }

    /// <summary>Runs some steps and tells the chunks of each.</summary>
    private static string Steps(Scheduler scheduler, int count) => string.Join(" | ", Enumerable.Range(0, count).Select(_ =>
    {
        var plan = scheduler.Plan();
        scheduler.Commit(plan);
        return string.Join(" + ", plan.Chunks.Select(chunk => chunk.TokenCount));
    }));

    private Scheduler Create(int maxStepTokens, int maxSequences = 8, int maxStepsInFlight = 1, bool cachesPrefixes = true) => new(
        _cache,
        new SchedulerOptions(maxSequences, maxStepTokens) { MaxStepsInFlight = maxStepsInFlight, CachesPrefixes = cachesPrefixes });
}
