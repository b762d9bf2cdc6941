using GptOss.Net.Model;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>One sequence's part of a step, as tensors on the device of one stage.</summary>
internal sealed class TorchSequenceView
{
    private const int BlockSize = 16;

    private readonly TorchSlots _full;
    private readonly TorchSlots _sliding;

    public TorchSequenceView(StepBatch batch, SequenceSlice slice, int window, TorchRotaryEmbedding rotary, Device device)
    {
        var positions = batch.Positions.AsSpan(slice.TokenStart, slice.TokenCount);
        FirstPosition = positions[0];
        (Cos, Sin) = rotary.Angles(positions, device);
        _full = CreateSlots(batch.FullSlots, slice, slice.FullBlocks, 0, 0, device);
        var contextStart = Math.Max(0, FirstPosition - window + 1);
        _sliding = CreateSlots(batch.SlidingSlots, slice, slice.SlidingBlocks, slice.SlidingFirstBlock, contextStart, device);
    }

    /// <summary>Gets the position of the step's first token of this sequence.</summary>
    public int FirstPosition { get; }

    /// <summary>Gets float32 <c>[tokens, 1, headDim / 2]</c>.</summary>
    public Tensor Cos { get; }

    /// <summary>Gets float32 <c>[tokens, 1, headDim / 2]</c>.</summary>
    public Tensor Sin { get; }

    public TorchSlots Slots(AttentionKind kind) => kind == AttentionKind.Full ? _full : _sliding;

    private static TorchSlots CreateSlots(
        int[] written, SequenceSlice slice, IReadOnlyList<int> blocks, int firstBlock, int contextStart, Device device)
    {
        var own = new long[slice.TokenCount];
        for (var i = 0; i < own.Length; i++)
        {
            own[i] = written[slice.TokenStart + i];
        }

        var context = new long[slice.ContextLength - contextStart];
        for (var i = 0; i < context.Length; i++)
        {
            var position = contextStart + i;
            var block = blocks[(position / BlockSize) - firstBlock];
            context[i] = ((long)block * BlockSize) + (position % BlockSize);
        }

        return new TorchSlots(tensor(own, device: device), tensor(context, device: device), contextStart);
    }
}
