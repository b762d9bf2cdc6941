using GptOss.Net.Model;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>One sequence's part of a step, as tensors on the device of one stage.</summary>
internal sealed class TorchSequenceView
{
    private const int BlockSize = 16;

    private readonly TorchSlots _full;
    private readonly TorchSlots _sliding;

    public TorchSequenceView(StepBatch batch, int sequence, int window, TorchRotaryEmbedding rotary, Device device)
    {
        var positions = batch.Positions.Span[batch.Tokens(sequence)];
        FirstPosition = positions[0];
        (Cos, Sin) = rotary.Angles(positions, device);
        _full = CreateSlots(batch, batch.Full, sequence, 0, device);
        _sliding = CreateSlots(batch, batch.Sliding, sequence, Math.Max(0, FirstPosition - window + 1), device);
    }

    /// <summary>Gets the position of the step's first token of this sequence.</summary>
    public int FirstPosition { get; }

    /// <summary>Gets float32 <c>[tokens, 1, headDim / 2]</c>.</summary>
    public Tensor Cos { get; }

    /// <summary>Gets float32 <c>[tokens, 1, headDim / 2]</c>.</summary>
    public Tensor Sin { get; }

    public TorchSlots Slots(AttentionKind kind) => kind == AttentionKind.Full ? _full : _sliding;

    private static TorchSlots CreateSlots(StepBatch batch, BlockTables tables, int sequence, int contextStart, Device device)
    {
        var written = tables.Slots.Span[batch.Tokens(sequence)];
        var own = new long[written.Length];
        for (var i = 0; i < own.Length; i++)
        {
            own[i] = written[i];
        }

        var blocks = tables.Of(sequence);
        var firstBlock = tables.FirstBlocks.Span[sequence];
        var context = new long[batch.ContextLengths.Span[sequence] - contextStart];
        for (var i = 0; i < context.Length; i++)
        {
            var position = contextStart + i;
            var block = blocks[(position / BlockSize) - firstBlock];
            context[i] = ((long)block * BlockSize) + (position % BlockSize);
        }

        return new TorchSlots(tensor(own, device: device), tensor(context, device: device), contextStart);
    }
}
