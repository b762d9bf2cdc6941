using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A matrix of plain values, bfloat16 or float32, <c>[out, in]</c>.</summary>
internal sealed class TorchDenseMatrix(Tensor values) : TorchMatrix
{
    public Tensor Values { get; } = values;

    public override Tensor Dequantize() => Values.to(ScalarType.Float32);

    public override Tensor Multiply(Tensor x)
    {
        var (rows, columns) = (Values.shape[0], Values.shape[1]);
        var tile = Math.Max(1, TorchWorkspace.MaxTileElements / columns);
        if (Values.dtype == ScalarType.Float32 || rows <= tile)
        {
            return base.Multiply(x);
        }

        // The output projection is too large to be widened at once.
        var parts = new List<Tensor>();
        for (long start = 0; start < rows; start += tile)
        {
            using var scope = NewDisposeScope();
            var part = Values.narrow(0, start, Math.Min(tile, rows - start)).to(ScalarType.Float32);
            parts.Add(matmul(x, part.t()).MoveToOuterDisposeScope());
        }

        return cat(parts, -1);
    }

    public override void Dispose() => Values.Dispose();
}
