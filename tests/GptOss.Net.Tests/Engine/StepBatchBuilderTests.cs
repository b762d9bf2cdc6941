using GptOss.Net.Engine;
using GptOss.Net.KVCache;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Tests.Engine;

public sealed class StepBatchBuilderTests
{
    private readonly PagedKVCache _cache = new(new KVCacheCapacity(8, 8), slidingWindow: 4);

    [Fact]
    public void A_prompt_takes_the_slots_of_its_blocks_in_order()
    {
        Take(_cache, blocks: 2);
        var plan = Plan((Sequence(18), 18));

        var batch = StepBatchBuilder.Build(plan);

        batch.TokenIds.Should().Equal(Enumerable.Range(100, 18));
        batch.Positions.Should().Equal(Enumerable.Range(0, 18));
        batch.FullSlots.Should().Equal(Enumerable.Range(32, 18));
        batch.SlidingSlots.Should().Equal(Enumerable.Range(32, 18));
        batch.LogitsRows.Should().Equal(17);
    }

    [Fact]
    public void A_chunk_goes_on_where_the_one_before_ended()
    {
        var sequence = Sequence(40);
        Compute(sequence, 20);
        var plan = Plan((sequence, 12));

        var batch = StepBatchBuilder.Build(plan);

        batch.TokenIds.Should().Equal(Enumerable.Range(120, 12));
        batch.Positions.Should().Equal(Enumerable.Range(20, 12));
        batch.FullSlots.Should().Equal(Enumerable.Range(20, 12));
        batch.SlidingSlots.Should().Equal(Enumerable.Range(20, 12));
        batch.LogitsRows.Should().BeEmpty("the prompt goes on after the chunk");
        batch.Sequences.Single().ContextLength.Should().Be(32);
    }

    [Fact]
    public void Sequences_lie_one_after_the_other()
    {
        var decoding = Sequence(5);
        Compute(decoding, 4);
        var plan = Plan((decoding, 1), (Sequence(10), 3), (Sequence(2), 2));

        var batch = StepBatchBuilder.Build(plan);

        batch.TokenIds.Should().Equal(104, 100, 101, 102, 100, 101);
        batch.Positions.Should().Equal(4, 0, 1, 2, 0, 1);
        batch.FullSlots.Should().Equal(4, 16, 17, 18, 32, 33);
        batch.Sequences.Select(slice => slice.TokenStart).Should().Equal(0, 1, 4);
        batch.Sequences.Select(slice => slice.TokenCount).Should().Equal(1, 3, 2);
        batch.Sequences.Select(slice => slice.ContextLength).Should().Equal(5, 3, 2);
        batch.LogitsRows.Should().Equal(0, 5);
    }

    [Fact]
    public void Sliding_blocks_begin_where_the_window_does()
    {
        var sequence = Sequence(40);
        Compute(sequence, 38);
        var plan = Plan((sequence, 2));

        var slice = StepBatchBuilder.Build(plan).Sequences.Single();

        slice.FullBlocks.Should().Equal(0, 1, 2);
        slice.SlidingBlocks.Should().Equal(2);
        slice.SlidingFirstBlock.Should().Be(2);
    }

    [Fact]
    public void Every_row_is_wanted_when_all_logits_are()
    {
        var plan = Plan((Sequence(2), 1), (Sequence(9, wantsAllLogits: true), 3), (Sequence(4), 4));

        StepBatchBuilder.Build(plan).LogitsRows.Should().Equal(1, 2, 3, 7);
    }

    private static void Take(PagedKVCache cache, int blocks) => cache.TryReserve(new SequenceBlocks(), blocks * PagedKVCache.BlockSize);

    private static Sequence Sequence(int length, bool wantsAllLogits = false) =>
        new(Enumerable.Range(100, length).ToArray()) { WantsAllLogits = wantsAllLogits };

    private void Compute(Sequence sequence, int tokens)
    {
        _cache.TryReserve(sequence.Blocks, tokens);
        _cache.ReleaseBehindWindow(sequence.Blocks, tokens);
    }

    private StepPlan Plan(params (Sequence Sequence, int Count)[] chunks)
    {
        foreach (var (sequence, count) in chunks)
        {
            _cache.TryReserve(sequence.Blocks, count);
        }

        return new StepPlan([.. chunks.Select(chunk => new ScheduledChunk(chunk.Sequence, chunk.Count))], []);
    }
}
