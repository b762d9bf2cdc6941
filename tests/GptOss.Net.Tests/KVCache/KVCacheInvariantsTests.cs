using GptOss.Net.KVCache;

namespace GptOss.Net.Tests.KVCache;

public class KVCacheInvariantsTests
{
    private readonly PagedKVCache _cache = new(new KVCacheCapacity(8, 8), slidingWindow: 32);
    private readonly SequenceBlocks _sequence = new();

    public KVCacheInvariantsTests()
    {
        _cache.TryReserve(_sequence, 40);
        _cache.ReleaseBehindWindow(_sequence, 40);
    }

    [Fact]
    public void A_sound_cache_has_no_violations() => Violations(_sequence).Should().BeEmpty();

    [Fact]
    public void A_sequence_that_was_forgotten_is_a_leak() =>
        Violations().Should().Contain("full block 0 has 1 references, but 0 tables hold it");

    [Fact]
    public void A_block_released_behind_the_tables_back_is_found()
    {
        _cache.FullPool.Release(_sequence.Full.Blocks[1]);

        Violations(_sequence).Should().Equal("full block 1 has 0 references, but 1 tables hold it");
    }

    [Fact]
    public void A_block_in_two_tables_without_a_second_reference_is_found()
    {
        var thief = new SequenceBlocks { ReservedTokens = 16 };
        thief.Full.Append(_sequence.Full.Blocks[2]);
        thief.Sliding.Append(_cache.SlidingPool.Allocate());

        Violations(_sequence, thief).Should().Equal(
            "full block 2 has 1 references, but 2 tables hold it",
            "full block 2 is shared at different positions",
            "full block 2 is shared, but a sequence still writes to it");
    }

    [Fact]
    public void A_table_that_is_too_short_is_found()
    {
        _sequence.ReservedTokens = 49;

        Violations(_sequence).Should().Equal(
            "sequence of 49 tokens: full table ends at block 3, not 4",
            "sequence of 49 tokens: sliding table ends at block 3, not 4");
    }

    [Fact]
    public void A_sliding_block_behind_the_window_is_found()
    {
        _sequence.ReservedTokens = _sequence.ComputedTokens = 48;

        Violations(_sequence).Should().Equal("sequence of 48 tokens: sliding table begins at block 0, not 1");
    }

    private IReadOnlyList<string> Violations(params SequenceBlocks[] sequences) =>
        KVCacheInvariants.Violations(_cache, sequences);
}
