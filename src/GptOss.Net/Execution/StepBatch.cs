using GptOss.Net.KVCache;
using GptOss.Net.Sampling;

namespace GptOss.Net.Execution;

/// <summary>
/// The inputs of one step: a few tokens of each running sequence, one sequence after the other, in flat arrays that a device takes with
/// one copy each. A value: it stays as it is until the step is completed.
/// </summary>
internal sealed record StepBatch
{
    /// <summary>
    /// Gets the tokens to compute, <c>[tokens]</c>. A negative one, <c>~r</c>, is the token that row <c>r</c> of the step before this one
    /// samples, which the host has not read yet: only where <see cref="IModelExecutor.MaxStepsAhead"/> allows it.
    /// </summary>
    public required ReadOnlyMemory<int> TokenIds { get; init; }

    /// <summary>
    /// Gets the tokens' hidden states, <c>[tokens, hidden]</c>, for an executor that computes later layers only: what the one before it
    /// gave as <see cref="StepResult.Hidden"/>. Empty where the model begins.
    /// </summary>
    public ReadOnlyMemory<float> Hidden { get; init; }

    /// <summary>Gets each token's position in its sequence, <c>[tokens]</c>.</summary>
    public required ReadOnlyMemory<int> Positions { get; init; }

    /// <summary>Gets where each sequence's tokens begin in the batch, and their end, <c>[sequences + 1]</c>.</summary>
    public required ReadOnlyMemory<int> SequenceStarts { get; init; }

    /// <summary>Gets how many tokens of each sequence lie in the cache once this step's are written, <c>[sequences]</c>.</summary>
    public required ReadOnlyMemory<int> ContextLengths { get; init; }

    /// <summary>Gets where the tokens lie in the full layers, whose tables begin with the sequence.</summary>
    public required BlockTables Full { get; init; }

    /// <summary>
    /// Gets where they lie in the sliding layers, whose tables begin with what the step's first token of a sequence sees.
    /// </summary>
    public required BlockTables Sliding { get; init; }

    /// <summary>Gets the blocks to copy, in this order, before anything is computed.</summary>
    public IReadOnlyList<BlockCopy> BlockCopies { get; init; } = [];

    /// <summary>
    /// Gets the tokens whose logits are wanted, <c>[rows]</c>, ascending; one occurs several times where several answers begin with it.
    /// </summary>
    public required ReadOnlyMemory<int> LogitsRows { get; init; }

    /// <summary>Gets what is wanted of each of <see cref="LogitsRows"/>, <c>[rows]</c>.</summary>
    public required ReadOnlyMemory<RowSampling> Rows { get; init; }

    public int TokenCount => TokenIds.Length;

    public int SequenceCount => ContextLengths.Length;

    public int RowCount => LogitsRows.Length;

    /// <summary>Where one sequence's tokens lie in the batch.</summary>
    public Range Tokens(int sequence) => SequenceStarts.Span[sequence]..SequenceStarts.Span[sequence + 1];
}
