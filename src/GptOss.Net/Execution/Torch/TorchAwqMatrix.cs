using GptOss.Net.Quantization;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A matrix held as AutoAWQ int4 (GEMM layout): <c>w = (q − zero) · scale</c> per group of inputs.</summary>
/// <param name="qweight">I32 <c>[in, out / 8]</c>.</param>
/// <param name="qzeros">I32 <c>[in / group, out / 8]</c>.</param>
/// <param name="scales"><c>[in / group, out]</c>.</param>
/// <param name="shifts">The bit position of each of a word's eight columns, I32 <c>[8]</c>; shared, not owned.</param>
internal sealed class TorchAwqMatrix(Tensor qweight, Tensor qzeros, Tensor scales, Tensor shifts)
    : TorchMatrix(qweight.shape[1] * Word, qweight.shape[0])
{
    private const int Word = AwqFormat.ValuesPerWord;

    /// <summary>The bit position of each of a word's eight columns.</summary>
    public static Tensor CreateShifts(Device device)
    {
        var shifts = new int[Word];
        for (var column = 0; column < Word; column++)
        {
            shifts[column] = 4 * AwqFormat.NibbleOf[column];
        }

        return tensor(shifts, device: device);
    }

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
        var values = Unpack(qweight.narrow(1, first / Word, count / Word)).view(groups, inputs / groups, count);
        var zeros = Unpack(qzeros.narrow(1, first / Word, count / Word)).view(groups, 1, count);
        var scale = scales.narrow(1, first, count).to(ScalarType.Float32).unsqueeze(1); // [groups, 1, count]
        var weights = values.Minus(zeros).to(ScalarType.Float32).mul_(scale).view(inputs, count);
        return weights.t().contiguous().MoveToOuterDisposeScope();
    }

    /// <summary>Words <c>[rows, out / 8]</c> to their nibbles <c>[rows, out / 8, 8]</c>.</summary>
    private Tensor Unpack(Tensor words) => words.unsqueeze(-1).bitwise_right_shift(shifts).bitwise_and_(15);
}
