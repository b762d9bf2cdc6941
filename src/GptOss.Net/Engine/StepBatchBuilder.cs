using GptOss.Net.Execution;
using GptOss.Net.Sampling;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine;

/// <summary>
/// Packs a plan into the flat arrays of a <see cref="StepBatch"/>. It owns the arrays, which only grow: one builder for each step in
/// flight, used again when that step is completed.
/// </summary>
internal sealed class StepBatchBuilder
{
    private readonly GrowingArray<int> _tokenIds = new();
    private readonly GrowingArray<int> _positions = new();
    private readonly GrowingArray<int> _starts = new();
    private readonly GrowingArray<int> _contextLengths = new();
    private readonly GrowingArray<int> _logitsRows = new();
    private readonly GrowingArray<RowSampling> _rows = new();
    private readonly BlockTablesBuilder _full = new();
    private readonly BlockTablesBuilder _sliding = new();

    /// <summary>How many of a chunk's tokens have rows of logits.</summary>
    public static int RowCount(ScheduledChunk chunk) =>
        chunk.Sequence.WantsAllLogits ? chunk.TokenCount : chunk.ReachesEnd ? 1 : 0;

    /// <summary>Packs a plan; the batch that was built before is no longer valid.</summary>
    /// <param name="plan">What to compute.</param>
    /// <param name="addLastRows">
    /// Adds what is wanted of the last token of a chunk that has rows, one row or more; by default its logits.
    /// </param>
    public StepBatch Build(StepPlan plan, Action<ScheduledChunk, GrowingArray<RowSampling>>? addLastRows = null)
    {
        Clear();
        foreach (var chunk in plan.Chunks)
        {
            AddTokens(chunk);
            AddRows(chunk, addLastRows);
        }

        _starts.Add(_tokenIds.Count);
        return new StepBatch
        {
            TokenIds = _tokenIds.Items,
            Positions = _positions.Items,
            SequenceStarts = _starts.Items,
            ContextLengths = _contextLengths.Items,
            Full = _full.Build(),
            Sliding = _sliding.Build(),
            BlockCopies = plan.BlockCopies,
            LogitsRows = _logitsRows.Items,
            Rows = _rows.Items,
        };
    }

    private void Clear()
    {
        _tokenIds.Clear();
        _positions.Clear();
        _starts.Clear();
        _contextLengths.Clear();
        _logitsRows.Clear();
        _rows.Clear();
        _full.Clear();
        _sliding.Clear();
    }

    private void AddTokens(ScheduledChunk chunk)
    {
        var ((sequence, count), first) = (chunk, chunk.Start);
        _starts.Add(_tokenIds.Count);
        _contextLengths.Add(first + count);
        var tokens = _tokenIds.Extend(count);
        if (chunk.Ahead > 0)
        {
            tokens[0] = ~sequence.LastRow; // the step before this one samples it
        }
        else
        {
            sequence.TokenSpan.Slice(first, count).CopyTo(tokens);
        }

        var positions = _positions.Extend(count);
        for (var i = 0; i < count; i++)
        {
            positions[i] = first + i;
        }

        _full.Add(sequence.Blocks.Full, first, count);
        _sliding.Add(sequence.Blocks.Sliding, first, count);
    }

    private void AddRows(ScheduledChunk chunk, Action<ScheduledChunk, GrowingArray<RowSampling>>? addLastRows)
    {
        var last = _tokenIds.Count - 1;
        for (var token = last + 1 - RowCount(chunk); token < last; token++)
        {
            _logitsRows.Add(token);
            _rows.Add(default(RowSampling));
        }

        if (RowCount(chunk) > 0)
        {
            var before = _rows.Count;
            chunk.Sequence.LastRow = before;
            if (addLastRows is null)
            {
                _rows.Add(default(RowSampling));
            }
            else
            {
                addLastRows(chunk, _rows);
            }

            _logitsRows.Extend(_rows.Count - before).Fill(last);
        }
    }
}
