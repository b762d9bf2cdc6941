using CsCheck;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.KVCache;

public class KVCacheSizingTests
{
    // gpt-oss-20b: 8 heads of 64, window 128, bfloat16.
    private static readonly KVCacheSizing Sizing = new(
        KVSize: 512, SlidingWindow: 128, BytesPerElement: 2, MaxStepTokens: 2048);

    [Fact]
    public void A_block_of_a_layer_of_gpt_oss_20b_takes_32_KiB() => Sizing.BytesPerBlock.Should().Be(32 * 1024);

    [Fact]
    public void Another_token_of_gpt_oss_20b_takes_24576_bytes() =>
        (12 * (Sizing.LayerBytes(AttentionKind.Full, 1, 8016) - Sizing.LayerBytes(AttentionKind.Full, 1, 8000)) / 16)
            .Should().Be(24_576);

    [Fact]
    public void A_full_layer_needs_all_blocks_of_a_sequence() =>
        Sizing.PoolBlocks(AttentionKind.Full, sequences: 1, tokens: 1000).Should().Be(63);

    [Theory]
    [InlineData(1000, 1, 9)]
    [InlineData(1000, 2, 9)]
    [InlineData(1000, 3, 10)]
    [InlineData(1000, 512, 41)]
    [InlineData(1000, 4096, 63)]
    [InlineData(100, 1, 7)]
    public void A_sliding_layer_needs_the_blocks_of_its_window_and_a_chunk(int tokens, int chunk, int blocks) =>
        (Sizing with { MaxStepTokens = chunk }).PoolBlocks(AttentionKind.Sliding, sequences: 1, tokens).Should().Be(blocks);

    [Fact]
    public void The_sliding_pool_counts_the_tokens_of_a_step_once() =>
        Sizing.PoolBlocks(AttentionKind.Sliding, sequences: 64, tokens: 32_768).Should().Be(64 + (((64 * 141) + 2048) / 16));

    [Fact]
    public void Sequences_never_run_out_of_the_blocks_that_were_planned_for_them() =>
        Gen.Select(Gen.Int[1, 5], Gen.Int[1, 200], Gen.Int[1, 40], Gen.Int[1, 70], Gen.Int).Sample(
            (sequences, tokens, window, stepTokens, seed) => RunToTheEnd(sequences, tokens, window, stepTokens, new Random(seed)),
            iter: LongTests.Scale(500));

    // Every step divides its tokens among the sequences at random, until all of them are complete.
    private static void RunToTheEnd(int sequences, int tokens, int window, int stepTokens, Random random)
    {
        KVCacheSizing sizing = Sizing with { SlidingWindow = window, MaxStepTokens = stepTokens };
        var cache = new PagedKVCache(
            new KVCacheCapacity(
                sizing.PoolBlocks(AttentionKind.Full, sequences, tokens),
                sizing.PoolBlocks(AttentionKind.Sliding, sequences, tokens)),
            window);
        SequenceBlocks[] all = [.. Enumerable.Range(0, sequences).Select(_ => new SequenceBlocks())];
        while (Array.Exists(all, sequence => sequence.ReservedTokens < tokens))
        {
            int budget = stepTokens;
            foreach (SequenceBlocks sequence in all)
            {
                int chunk = random.Next(Math.Min(budget, tokens - sequence.ReservedTokens) + 1);
                budget -= chunk;
                cache.TryReserve(sequence, chunk).Should().BeTrue();
                sequence.Sliding.Blocks.Count.Should().BeLessThanOrEqualTo(
                    (sizing with { MaxStepTokens = chunk }).PoolBlocks(AttentionKind.Sliding, sequences: 1, tokens));
            }

            foreach (SequenceBlocks sequence in all)
            {
                cache.ReleaseBehindWindow(sequence, sequence.ReservedTokens);
            }
        }
    }
}
