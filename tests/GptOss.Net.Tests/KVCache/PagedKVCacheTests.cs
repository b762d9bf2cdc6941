using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.KVCache;

public class PagedKVCacheTests
{
    private const int Window = 128;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(15, 1)]
    [InlineData(16, 1)]
    [InlineData(17, 2)]
    [InlineData(1000, 63)]
    public void Reserving_takes_the_blocks_that_hold_the_tokens(int tokens, int blocks)
    {
        PagedKVCache cache = Cache(100, 100);
        var sequence = new SequenceBlocks();

        cache.TryReserve(sequence, tokens).Should().BeTrue();

        sequence.Full.Blocks.Should().HaveCount(blocks);
        sequence.Sliding.Blocks.Should().HaveCount(blocks);
        sequence.ReservedTokens.Should().Be(tokens);
        Sound(cache, sequence);
    }

    [Fact]
    public void A_token_that_fits_the_last_block_takes_no_block()
    {
        PagedKVCache cache = Cache(1, 1);
        var sequence = new SequenceBlocks();
        cache.TryReserve(sequence, 15);
        cache.ReleaseBehindWindow(sequence, 15);

        cache.TryReserve(sequence, 1).Should().BeTrue();
        cache.TryReserve(sequence, 2).Should().BeFalse();
        Sound(cache, sequence);
    }

    [Fact]
    public void A_step_that_is_planned_again_takes_no_more_blocks()
    {
        PagedKVCache cache = Cache(4, 4);
        var sequence = new SequenceBlocks();
        cache.TryReserve(sequence, 40);

        cache.TryReserve(sequence, 40).Should().BeTrue();

        sequence.ReservedTokens.Should().Be(40);
        Sound(cache, sequence);
    }

    [Theory]
    [InlineData(1, 9)]
    [InlineData(9, 1)]
    public void Reserving_changes_nothing_when_either_kind_lacks_blocks(int fullBlocks, int slidingBlocks)
    {
        PagedKVCache cache = Cache(fullBlocks, slidingBlocks);
        var sequence = new SequenceBlocks();

        cache.TryReserve(sequence, 17).Should().BeFalse();

        cache.Usage.Should().Be(new KVCacheUsage(0, fullBlocks, 0, slidingBlocks));
        sequence.ReservedTokens.Should().Be(0);
        Sound(cache, sequence);
    }

    [Theory]
    [InlineData(127, 0)] // the next token, at 127, sees 0 … 127
    [InlineData(142, 0)] // sees 15 … 142
    [InlineData(143, 1)] // sees 16 … 143
    [InlineData(1000, 54)]
    public void Blocks_behind_the_window_are_released(int computed, int firstBlock)
    {
        PagedKVCache cache = Cache(100, 100);
        var sequence = new SequenceBlocks();
        cache.TryReserve(sequence, 1000);

        cache.ReleaseBehindWindow(sequence, computed);

        sequence.SlidingFirstBlock.Should().Be(firstBlock);
        sequence.Full.Blocks.Should().HaveCount(63);
        Sound(cache, sequence);
    }

    [Fact]
    public void A_long_sequence_decodes_with_nine_sliding_blocks()
    {
        PagedKVCache cache = Cache(1000, 9);
        var sequence = new SequenceBlocks();
        for (int token = 1; token <= 10_000; token++)
        {
            cache.TryReserve(sequence, 1).Should().BeTrue();
            cache.ReleaseBehindWindow(sequence, token);
        }

        Sound(cache, sequence);
    }

    [Fact]
    public void Computed_tokens_can_neither_shrink_nor_pass_the_reserved_ones()
    {
        PagedKVCache cache = Cache(9, 9);
        var sequence = new SequenceBlocks();
        cache.TryReserve(sequence, 20);
        cache.ReleaseBehindWindow(sequence, 10);

        cache.Invoking(c => c.ReleaseBehindWindow(sequence, 9)).Should().Throw<ArgumentOutOfRangeException>();
        cache.Invoking(c => c.ReleaseBehindWindow(sequence, 21)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void A_freed_sequence_is_empty_and_can_start_again()
    {
        PagedKVCache cache = Cache(63, 63);
        var sequence = new SequenceBlocks();
        cache.TryReserve(sequence, 1000);
        cache.ReleaseBehindWindow(sequence, 1000);

        cache.Free(sequence);

        cache.Usage.Fraction.Should().Be(0);
        cache.TryReserve(sequence, 1000).Should().BeTrue();
        Sound(cache, sequence);
    }

    [Fact]
    public void A_slot_is_the_block_times_16_plus_the_offset()
    {
        PagedKVCache cache = Cache(100, 100);
        cache.TryReserve(new SequenceBlocks(), 16 * 7);
        var sequence = new SequenceBlocks();
        cache.TryReserve(sequence, 200);
        cache.ReleaseBehindWindow(sequence, 180);

        sequence.Sliding.Slot(179).Should().Be((sequence.Sliding.Blocks[11 - sequence.SlidingFirstBlock] * 16) + 3);
        int[] slots = new int[3];
        sequence.Full.CopySlots(15, slots);
        slots.Should().Equal((7 * 16) + 15, 8 * 16, (8 * 16) + 1);
    }

    [Fact]
    public void A_fork_shares_the_complete_blocks_and_copies_the_last_one()
    {
        PagedKVCache cache = Cache(100, 100);
        var sequence = new SequenceBlocks();
        cache.TryReserve(sequence, 300);
        cache.ReleaseBehindWindow(sequence, 200);
        var copies = new List<BlockCopy>();

        var fork = new SequenceBlocks();
        cache.TryFork(sequence, fork, copies).Should().BeTrue();

        fork.ReservedTokens.Should().Be(200);
        fork.Full.Blocks.Take(12).Should().Equal(sequence.Full.Blocks.Take(12));
        fork.SlidingFirstBlock.Should().Be(sequence.SlidingFirstBlock).And.Be(4);
        copies.Should().Equal(
            new BlockCopy(AttentionKind.Full, sequence.Full.Blocks[12], fork.Full.Blocks[12]),
            new BlockCopy(AttentionKind.Sliding, sequence.Sliding.Blocks[8], fork.Sliding.Blocks[8]));
        Sound(cache, sequence, fork);
    }

    [Fact]
    public void A_fork_at_a_block_border_copies_nothing()
    {
        PagedKVCache cache = Cache(2, 2);
        var sequence = new SequenceBlocks();
        cache.TryReserve(sequence, 32);
        cache.ReleaseBehindWindow(sequence, 32);
        var copies = new List<BlockCopy>();

        var fork = new SequenceBlocks();
        cache.TryFork(sequence, fork, copies).Should().BeTrue();

        copies.Should().BeEmpty();
        Sound(cache, sequence, fork);
    }

    [Fact]
    public void A_fork_without_a_free_block_for_its_copy_changes_nothing()
    {
        PagedKVCache cache = Cache(1, 2);
        var sequence = new SequenceBlocks();
        cache.TryReserve(sequence, 10);
        cache.ReleaseBehindWindow(sequence, 10);
        var copies = new List<BlockCopy>();

        cache.TryFork(sequence, new SequenceBlocks(), copies).Should().BeFalse();

        copies.Should().BeEmpty();
        Sound(cache, sequence);
    }

    [Fact]
    public void Shared_blocks_outlive_the_sequence_that_filled_them()
    {
        PagedKVCache cache = Cache(4, 4);
        var sequence = new SequenceBlocks();
        cache.TryReserve(sequence, 40);
        cache.ReleaseBehindWindow(sequence, 40);
        var fork = new SequenceBlocks();
        cache.TryFork(sequence, fork, new List<BlockCopy>()).Should().BeTrue();

        cache.Free(sequence);

        cache.Usage.FullBlocksUsed.Should().Be(3);
        Sound(cache, fork);
    }

    private static PagedKVCache Cache(int fullBlocks, int slidingBlocks) =>
        new(new KVCacheCapacity(fullBlocks, slidingBlocks), Window);

    private static void Sound(PagedKVCache cache, params SequenceBlocks[] sequences) =>
        KVCacheInvariants.Violations(cache, sequences).Should().BeEmpty();
}
