using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cpu;

/// <summary>A <see cref="StepBatch"/> in flat arrays, which are kept from step to step and only grow.</summary>
internal sealed class CpuBatch(int slidingWindow)
{
    private int[] _sequenceOf = [];
    private int[] _blocks = [];
    private int[] _fullStart = [];
    private int[] _slidingStart = [];
    private int[] _slidingFirstBlock = [];
    private StepBatch? _step;

    public StepBatch Step => _step ?? throw new InvalidOperationException("No step was packed.");

    public int TokenCount { get; private set; }

    /// <summary>Gets the block tables of all sequences, one after the other.</summary>
    public ReadOnlySpan<int> Blocks => _blocks;

    public void Pack(StepBatch step)
    {
        _step = step;
        TokenCount = step.TokenIds.Length;
        var sequences = step.Sequences.Count;
        Grow(ref _sequenceOf, TokenCount);
        Grow(ref _fullStart, sequences);
        Grow(ref _slidingStart, sequences);
        Grow(ref _slidingFirstBlock, sequences);
        var used = 0;
        for (var i = 0; i < sequences; i++)
        {
            var slice = step.Sequences[i];
            _sequenceOf.AsSpan(slice.TokenStart, slice.TokenCount).Fill(i);
            _slidingFirstBlock[i] = slice.SlidingFirstBlock;
            _fullStart[i] = used;
            used = Append(slice.FullBlocks, used);
            _slidingStart[i] = used;
            used = Append(slice.SlidingBlocks, used);
        }
    }

    public int Slot(AttentionKind kind, int token) => kind == AttentionKind.Full ? Step.FullSlots[token] : Step.SlidingSlots[token];

    /// <summary>The first position that a token attends to.</summary>
    public int FirstPosition(AttentionKind kind, int token) =>
        kind == AttentionKind.Full ? 0 : Math.Max(0, Step.Positions[token] - slidingWindow + 1);

    /// <summary>Where a token's block table begins in <see cref="Blocks"/>, and the index of the first block that it has.</summary>
    public (int TableStart, int FirstBlock) Table(AttentionKind kind, int token)
    {
        var sequence = _sequenceOf[token];
        return kind == AttentionKind.Full ? (_fullStart[sequence], 0) : (_slidingStart[sequence], _slidingFirstBlock[sequence]);
    }

    private int Append(IReadOnlyList<int> blocks, int used)
    {
        Grow(ref _blocks, used + blocks.Count);
        for (var i = 0; i < blocks.Count; i++)
        {
            _blocks[used + i] = blocks[i];
        }

        return used + blocks.Count;
    }

    private static void Grow(ref int[] array, int length)
    {
        if (array.Length < length)
        {
            Array.Resize(ref array, Math.Max(length, 2 * array.Length));
        }
    }
}
