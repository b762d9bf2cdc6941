using GptOss.Net.Execution;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>Packs a plan into the arrays that an executor takes.</summary>
internal static class StepBatchBuilder
{
    public static StepBatch Build(StepPlan plan)
    {
        var tokenCount = plan.TokenCount;
        var batch = new StepBatch
        {
            TokenIds = new int[tokenCount],
            Positions = new int[tokenCount],
            FullSlots = new int[tokenCount],
            SlidingSlots = new int[tokenCount],
            Sequences = Slices(plan),
            LogitsRows = LogitsRows(plan),
            BlockCopies = plan.BlockCopies,
        };
        var start = 0;
        foreach (var chunk in plan.Chunks)
        {
            Fill(batch, chunk, start);
            start += chunk.TokenCount;
        }

        return batch;
    }

    /// <summary>How many rows of logits a chunk asks for.</summary>
    public static int RowCount(ScheduledChunk chunk) =>
        chunk.Sequence.WantsAllLogits ? chunk.TokenCount : chunk.ReachesEnd ? 1 : 0;

    private static void Fill(StepBatch batch, ScheduledChunk chunk, int start)
    {
        var (sequence, count) = chunk;
        var first = sequence.Blocks.ComputedTokens;
        for (var i = 0; i < count; i++)
        {
            batch.TokenIds[start + i] = sequence.Tokens[first + i];
            batch.Positions[start + i] = first + i;
        }

        sequence.Blocks.Full.CopySlots(first, batch.FullSlots.AsSpan(start, count));
        sequence.Blocks.Sliding.CopySlots(first, batch.SlidingSlots.AsSpan(start, count));
    }

    private static SequenceSlice[] Slices(StepPlan plan)
    {
        var slices = new SequenceSlice[plan.Chunks.Count];
        var start = 0;
        for (var i = 0; i < slices.Length; i++)
        {
            var (sequence, count) = plan.Chunks[i];
            slices[i] = new SequenceSlice
            {
                TokenStart = start,
                TokenCount = count,
                ContextLength = sequence.Blocks.ComputedTokens + count,
                FullBlocks = sequence.Blocks.Full.Blocks,
                SlidingBlocks = sequence.Blocks.Sliding.Blocks,
                SlidingFirstBlock = sequence.Blocks.SlidingFirstBlock,
            };
            start += count;
        }

        return slices;
    }

    private static int[] LogitsRows(StepPlan plan)
    {
        var rows = new List<int>();
        var end = 0;
        foreach (var chunk in plan.Chunks)
        {
            end += chunk.TokenCount;
            var count = RowCount(chunk);
            rows.AddRange(Enumerable.Range(end - count, count));
        }

        return [.. rows];
    }
}
