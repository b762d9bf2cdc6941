using GptOss.Net.Execution;
using GptOss.Net.KVCache;
using GptOss.Net.Model;

namespace GptOss.Net.Throughput;

/// <summary>Sequences of equal length, each with its own blocks of the cache from the first to the last.</summary>
internal sealed class SequenceBatch(IModelExecutor executor, ModelConfig config, int maxContext)
{
    private readonly int _blocks = PagedKVCache.BlockCount(maxContext);

    public int VocabularySize => config.VocabularySize;

    /// <summary>Computes a prompt of the first sequence.</summary>
    public void Prefill(int[] tokens) => Execute(Pack(tokens, 0, [new(0, tokens.Length)]));

    /// <summary>Computes the next token of some sequences, and puts the most probable ones in their place.</summary>
    public void Decode(int[] tokens, int position)
    {
        var result = Execute(Pack(tokens, position));
        for (var i = 0; i < tokens.Length; i++)
        {
            tokens[i] = IndexOfLargest(result.Row(i));
        }
    }

    public StepResult Execute(StepBatch step)
    {
        executor.Begin(step);
        return executor.Complete();
    }

    /// <summary>One token of each sequence.</summary>
    public StepBatch Pack(int[] tokens, int position) =>
        Pack(tokens, position, [.. Enumerable.Range(0, tokens.Length).Select(i => (i, 1))]);

    private StepBatch Pack(int[] tokens, int position, (int Start, int Count)[] parts)
    {
        var positions = parts.SelectMany(part => Enumerable.Range(position, part.Count)).ToArray();
        var slots = parts.SelectMany((part, i) => Enumerable.Range((i * _blocks * PagedKVCache.BlockSize) + position, part.Count)).ToArray();
        return new StepBatch
        {
            TokenIds = tokens,
            Positions = positions,
            FullSlots = slots,
            SlidingSlots = slots,
            Sequences = [.. parts.Select((part, i) => Slice(i, part.Start, part.Count, position + part.Count))],
            LogitsRows = [.. parts.Select(part => part.Start + part.Count - 1)],
        };
    }

    private SequenceSlice Slice(int sequence, int start, int count, int context)
    {
        var blocks = Enumerable.Range(sequence * _blocks, PagedKVCache.BlockCount(context)).ToArray();
        return new SequenceSlice
        {
            TokenStart = start,
            TokenCount = count,
            ContextLength = context,
            FullBlocks = blocks,
            SlidingBlocks = blocks,
            SlidingFirstBlock = 0,
        };
    }

    private static int IndexOfLargest(ReadOnlySpan<float> row)
    {
        var best = 0;
        for (var i = 1; i < row.Length; i++)
        {
            best = row[i] > row[best] ? i : best;
        }

        return best;
    }
}
