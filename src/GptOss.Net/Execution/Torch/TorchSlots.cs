using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>Where one sequence's tokens lie in the layers of one kind, on one device.</summary>
/// <param name="Written">The slots of the step's own tokens, I64 <c>[tokens]</c>.</param>
/// <param name="Context">The slots of every token that the step can attend to, I64 <c>[context]</c>.</param>
/// <param name="ContextStart">The position of the first of them.</param>
internal sealed record TorchSlots(Tensor Written, Tensor Context, int ContextStart)
{
    /// <summary>
    /// The additive mask of queries at <paramref name="firstPosition"/> and after: 0 where a query sees a key, −∞ elsewhere;
    /// float32 <c>[count, context]</c>.
    /// </summary>
    public Tensor Mask(long firstPosition, long count, int? window)
    {
        var context = Context.shape[0];
        var mask = new float[count * context];
        for (var query = 0; query < count; query++)
        {
            // Keys are counted from ContextStart; a query sees itself and what is before it, within its window.
            var end = firstPosition + query + 1 - ContextStart;
            var first = window is { } size ? Math.Max(0, end - size) : 0;
            var row = mask.AsSpan((int)(query * context), (int)context);
            row[..(int)first].Fill(float.NegativeInfinity);
            row[(int)end..].Fill(float.NegativeInfinity);
        }

        return tensor(mask, [count, context], device: Context.device);
    }
}
