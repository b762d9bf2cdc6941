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

        var batch = new StepBatchBuilder().Build(plan);

        batch.TokenIds.ToArray().Should().Equal(Enumerable.Range(100, 18));
        batch.Positions.ToArray().Should().Equal(Enumerable.Range(0, 18));
        batch.Full.Slots.ToArray().Should().Equal(Enumerable.Range(32, 18));
        batch.Sliding.Slots.ToArray().Should().Equal(Enumerable.Range(32, 18));
        batch.LogitsRows.ToArray().Should().Equal(17);
    }

    [Fact]
    public void A_chunk_goes_on_where_the_one_before_ended()
    {
        var sequence = Sequence(40);
        Compute(sequence, 20);
        var plan = Plan((sequence, 12));

        var batch = new StepBatchBuilder().Build(plan);

        batch.TokenIds.ToArray().Should().Equal(Enumerable.Range(120, 12));
        batch.Positions.ToArray().Should().Equal(Enumerable.Range(20, 12));
        batch.Full.Slots.ToArray().Should().Equal(Enumerable.Range(20, 12));
        batch.Sliding.Slots.ToArray().Should().Equal(Enumerable.Range(20, 12));
        batch.LogitsRows.ToArray().Should().BeEmpty("the prompt goes on after the chunk");
        batch.ContextLengths.ToArray().Should().Equal(32);
    }

    [Fact]
    public void Sequences_lie_one_after_the_other()
    {
        var decoding = Sequence(5);
        Compute(decoding, 4);
        var plan = Plan((decoding, 1), (Sequence(10), 3), (Sequence(2), 2));

        var batch = new StepBatchBuilder().Build(plan);

        batch.TokenIds.ToArray().Should().Equal(104, 100, 101, 102, 100, 101);
        batch.Positions.ToArray().Should().Equal(4, 0, 1, 2, 0, 1);
        batch.Full.Slots.ToArray().Should().Equal(4, 16, 17, 18, 32, 33);
        batch.SequenceStarts.ToArray().Should().Equal(0, 1, 4, 6);
        batch.ContextLengths.ToArray().Should().Equal(5, 3, 2);
        batch.Full.Starts.ToArray().Should().Equal(0, 1, 2, 3);
        batch.Full.Blocks.ToArray().Should().Equal(0, 1, 2);
        batch.LogitsRows.ToArray().Should().Equal(0, 5);
    }

    [Fact]
    public void Sliding_blocks_begin_where_the_window_does()
    {
        var sequence = Sequence(40);
        Compute(sequence, 38);
        var plan = Plan((sequence, 2));

        var batch = new StepBatchBuilder().Build(plan);

        batch.Full.Of(0).ToArray().Should().Equal(0, 1, 2);
        batch.Full.FirstBlocks.ToArray().Should().Equal(0);
        batch.Sliding.Of(0).ToArray().Should().Equal(2);
        batch.Sliding.FirstBlocks.ToArray().Should().Equal(2);
    }

    [Fact]
    public void Every_row_is_wanted_when_all_logits_are()
    {
        var plan = Plan((Sequence(2), 1), (Sequence(9, wantsAllLogits: true), 3), (Sequence(4), 4));

        new StepBatchBuilder().Build(plan).LogitsRows.ToArray().Should().Equal(1, 2, 3, 7);
    }

    [Fact]
    public void A_batch_stays_as_it_is_while_its_sequences_go_on()
    {
        var sequence = Sequence(40);
        var batch = new StepBatchBuilder().Build(Plan((sequence, 20)));

        Compute(sequence, 20);
        _cache.TryReserve(sequence.Blocks, 20);
        _cache.ReleaseBehindWindow(sequence.Blocks, 40);
        sequence.Append(7);

        batch.TokenIds.ToArray().Should().Equal(Enumerable.Range(100, 20));
        batch.Full.Of(0).ToArray().Should().Equal(0, 1);
        batch.Sliding.Of(0).ToArray().Should().Equal(0, 1);
    }

    [Fact]
    public void A_builder_is_used_again_for_smaller_and_larger_steps()
    {
        var builder = new StepBatchBuilder();
        builder.Build(Plan((Sequence(18), 18), (Sequence(3), 3)));

        var batch = builder.Build(Plan((Sequence(2), 2)));

        batch.TokenIds.ToArray().Should().Equal(100, 101);
        batch.SequenceStarts.ToArray().Should().Equal(0, 2);
        batch.Full.Starts.ToArray().Should().Equal(0, 1);
        batch.LogitsRows.ToArray().Should().Equal(1);
        batch.Rows.Length.Should().Be(1);
    }

    [Fact]
    public void Several_answers_to_a_prompt_take_rows_of_its_last_token()
    {
        var batch = new StepBatchBuilder().Build(
            Plan((Sequence(5), 5), (Sequence(2), 2)), (chunk, rows) => rows.Extend(chunk.TokenCount == 5 ? 3 : 1));

        batch.LogitsRows.ToArray().Should().Equal(4, 4, 4, 6);
        batch.Rows.Length.Should().Be(4);
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
