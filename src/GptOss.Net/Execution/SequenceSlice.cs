namespace GptOss.Net.Execution;

/// <summary>One sequence's part of a <see cref="StepBatch"/>.</summary>
internal sealed record SequenceSlice
{
    /// <summary>Gets where the sequence's tokens begin in the batch.</summary>
    public required int TokenStart { get; init; }

    /// <summary>Gets how many of its tokens this step computes: 1 when decoding, a chunk when prefilling.</summary>
    public required int TokenCount { get; init; }

    /// <summary>Gets how many of its tokens lie in the cache once this step's keys and values are written.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Gets the blocks of the full layers; entry <c>i</c> holds positions <c>16 i … 16 i + 15</c>.</summary>
    public required IReadOnlyList<int> FullBlocks { get; init; }

    /// <summary>
    /// Gets the blocks of the sliding layers; entry <c>i</c> holds positions <c>16 (i + <see cref="SlidingFirstBlock"/>) …</c>.
    /// </summary>
    public required IReadOnlyList<int> SlidingBlocks { get; init; }

    /// <summary>Gets the index of the first block that the sliding layers still hold.</summary>
    public required int SlidingFirstBlock { get; init; }
}
