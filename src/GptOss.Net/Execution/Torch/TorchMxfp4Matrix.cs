using GptOss.Net.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A matrix held as MXFP4: 4-bit values that share a power of two per 32 of a row.</summary>
/// <param name="blocks">U8 <c>[out, in / 32, 16]</c>; the low nibble of a byte is the even element.</param>
/// <param name="scales">U8 <c>[out, in / 32]</c>, the exponent plus 127.</param>
/// <param name="pairs">The two values of every byte, float32 <c>[256, 2]</c>; shared, not owned.</param>
internal sealed class TorchMxfp4Matrix(Tensor blocks, Tensor scales, Tensor pairs)
    : TorchMatrix(blocks.shape[0], blocks.shape[1] * Mxfp4Format.GroupSize)
{
    private static readonly Scalar ExponentBias = (long)-Mxfp4Format.ScaleBias;

    /// <summary>The table from a byte to its two values that <see cref="Dequantize"/> looks up.</summary>
    public static Tensor CreatePairs(Device device)
    {
        var table = new float[512];
        for (var value = 0; value < 256; value++)
        {
            table[2 * value] = Mxfp4Format.Values[value & 0xF];
            table[(2 * value) + 1] = Mxfp4Format.Values[value >> 4];
        }

        return tensor(table, [256, 2], device: device);
    }

    public override void Dispose()
    {
        blocks.Dispose();
        scales.Dispose();
    }

    protected override Tensor Dequantize(long first, long count)
    {
        using var scope = NewDisposeScope();
        var groups = blocks.shape[1];
        var indices = blocks.narrow(0, first, count).to(ScalarType.Int32).view(-1);
        var values = pairs.index_select(0, indices).view(count, groups, Mxfp4Format.GroupSize);
        var exponents = scales.narrow(0, first, count).to(ScalarType.Float32).PlusInPlace(ExponentBias);
        var powers = exponents.exp2_().unsqueeze(-1); // [count, in / 32, 1]
        return values.mul_(powers).view(count, groups * Mxfp4Format.GroupSize).MoveToOuterDisposeScope();
    }
}
