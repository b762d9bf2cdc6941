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
        var device = Context.device;
        var queries = arange(firstPosition, firstPosition + count, ScalarType.Int64, device).unsqueeze(1);
        var keys = arange(ContextStart, ContextStart + Context.shape[0], ScalarType.Int64, device).unsqueeze(0);
        var hidden = keys.gt(queries);
        if (window is { } size)
        {
            hidden = hidden.logical_or(keys.le(queries - size));
        }

        return zeros([count, Context.shape[0]], ScalarType.Float32, device).masked_fill_(hidden, float.NegativeInfinity);
    }
}
