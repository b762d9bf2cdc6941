using GptOss.Net.KVCache;

namespace GptOss.Net.Execution;

/// <summary>The packed inputs of one step: a few tokens of each running sequence, one sequence after the other.</summary>
internal sealed record StepBatch
{
    /// <summary>Gets the tokens to compute, <c>[tokens]</c>.</summary>
    public required int[] TokenIds { get; init; }

    /// <summary>Gets each token's position in its sequence, <c>[tokens]</c>.</summary>
    public required int[] Positions { get; init; }

    /// <summary>Gets where each token's key and value go in the full layers: <c>block · 16 + offset</c>, <c>[tokens]</c>.</summary>
    public required int[] FullSlots { get; init; }

    /// <summary>Gets where each token's key and value go in the sliding layers, <c>[tokens]</c>.</summary>
    public required int[] SlidingSlots { get; init; }

    /// <summary>Gets the sequences, in the order of their tokens.</summary>
    public required IReadOnlyList<SequenceSlice> Sequences { get; init; }

    /// <summary>Gets the blocks to copy, in this order, before anything is computed.</summary>
    public IReadOnlyList<BlockCopy> BlockCopies { get; init; } = [];

    /// <summary>Gets the tokens whose logits are wanted, ascending, <c>[rows]</c>.</summary>
    public required int[] LogitsRows { get; init; }
}
