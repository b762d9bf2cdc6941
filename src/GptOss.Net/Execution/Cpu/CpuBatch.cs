using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cpu;

/// <summary>The step that is computed, as the kernels ask for it: by token.</summary>
internal sealed class CpuBatch(int slidingWindow)
{
    private int[] _sequenceOf = []; // [tokens], kept from step to step; it only grows
    private StepBatch? _step;

    public StepBatch Step => _step ?? throw new InvalidOperationException("No step was packed.");

    public int TokenCount { get; private set; }

    public void Pack(StepBatch step)
    {
        _step = step;
        TokenCount = step.TokenCount;
        if (_sequenceOf.Length < TokenCount)
        {
            Array.Resize(ref _sequenceOf, Math.Max(TokenCount, 2 * _sequenceOf.Length));
        }

        for (var i = 0; i < step.SequenceCount; i++)
        {
            _sequenceOf.AsSpan()[step.Tokens(i)].Fill(i);
        }
    }

    public int Slot(AttentionKind kind, int token) => Tables(kind).Slots.Span[token];

    /// <summary>The first position that a token attends to.</summary>
    public int FirstPosition(AttentionKind kind, int token) =>
        kind == AttentionKind.Full ? 0 : Math.Max(0, Step.Positions.Span[token] - slidingWindow + 1);

    /// <summary>The block table of a token's sequence, and the index of the first block that it has.</summary>
    public ReadOnlySpan<int> Table(AttentionKind kind, int token, out int firstBlock)
    {
        var (tables, sequence) = (Tables(kind), _sequenceOf[token]);
        firstBlock = tables.FirstBlocks.Span[sequence];
        return tables.Of(sequence);
    }

    private BlockTables Tables(AttentionKind kind) => kind == AttentionKind.Full ? Step.Full : Step.Sliding;
}
