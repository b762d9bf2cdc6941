using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A matrix held as AutoAWQ int4 (GEMM layout): <c>w = (q − zero) · scale</c> per group of inputs.</summary>
/// <param name="qweight">I32 <c>[in, out / 8]</c>.</param>
/// <param name="qzeros">I32 <c>[in / group, out / 8]</c>.</param>
/// <param name="scales"><c>[in / group, out]</c>.</param>
/// <param name="shifts">The bit position of each of a word's eight columns, I32 <c>[8]</c>; shared, not owned.</param>
internal sealed class TorchAwqMatrix(Tensor qweight, Tensor qzeros, Tensor scales, Tensor shifts)
    : TorchMatrix(qweight.shape[1] * 8, qweight.shape[0])
{
    // Nibble i of a word holds column [0, 2, 4, 6, 1, 3, 5, 7][i]; this is the inverse, in bits.
    private static readonly int[] ColumnShifts = [0, 16, 4, 20, 8, 24, 12, 28];

    /// <summary>The bit position of each of a word's eight columns.</summary>
    public static Tensor CreateShifts(Device device) => tensor(ColumnShifts, device: device);

    public override void Dispose()
    {
        qweight.Dispose();
        qzeros.Dispose();
        scales.Dispose();
    }

    protected override Tensor Dequantize(long first, long count)
    {
        using var scope = NewDisposeScope();
        var (inputs, groups) = (qweight.shape[0], qzeros.shape[0]);
        var values = Unpack(qweight.narrow(1, first / 8, count / 8)).view(groups, inputs / groups, count);
        var zeros = Unpack(qzeros.narrow(1, first / 8, count / 8)).view(groups, 1, count);
        var scale = scales.narrow(1, first, count).to(ScalarType.Float32).unsqueeze(1); // [groups, 1, count]
        var weights = values.Minus(zeros).to(ScalarType.Float32).mul_(scale).view(inputs, count);
        return weights.t().contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Words <c>[rows, out / 8]</c> to their nibbles <c>[rows, out / 8, 8]</c>.</summary>
    private Tensor Unpack(Tensor words) => words.unsqueeze(-1).bitwise_right_shift(shifts).bitwise_and_(15);
}
