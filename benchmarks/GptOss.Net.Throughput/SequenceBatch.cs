using GptOss.Net.Execution;
using GptOss.Net.KVCache;
using GptOss.Net.Model;
using GptOss.Net.Sampling;

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
        var slots =
            parts.SelectMany((part, i) => Enumerable.Range((i * _blocks * PagedKVCache.BlockSize) + position, part.Count)).ToArray();
        int[] blocks = [.. parts.SelectMany((part, i) => Enumerable.Range(i * _blocks, PagedKVCache.BlockCount(position + part.Count)))];
        int[] starts = [.. parts.Select((part, i) => i * PagedKVCache.BlockCount(position + part.Count)), blocks.Length];
        var tables = new BlockTables(slots, starts, blocks, new int[parts.Length]);
        return new StepBatch
        {
            TokenIds = tokens,
            Positions = positions,
            SequenceStarts = parts.Select(part => part.Start).Append(tokens.Length).ToArray(),
            ContextLengths = parts.Select(part => position + part.Count).ToArray(),
            Full = tables,
            Sliding = tables,
            LogitsRows = parts.Select(part => part.Start + part.Count - 1).ToArray(),
            Rows = new RowSampling[parts.Length],
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
