using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>A weight matrix on a device, in whatever form it is stored. Products are float32.</summary>
/// <param name="rows">The length of a product.</param>
/// <param name="columns">The length of what is multiplied.</param>
internal abstract class TorchMatrix(long rows, long columns) : IDisposable
{
    /// <summary>The values as float32 <c>[out, in]</c>; belongs to the caller's dispose scope.</summary>
    public Tensor Dequantize() => Dequantize(0, rows);

    /// <summary><c>x Wᵀ</c> for <paramref name="x"/> of float32 <c>[tokens, in]</c>.</summary>
    public Tensor Multiply(Tensor x)
    {
        // A multiple of 8, which AWQ packs into a word.
        var tile = Math.Max(8, TorchWorkspace.MaxTileElements / columns / 8 * 8);
        if (rows <= tile)
        {
            return matmul(x, Dequantize().t());
        }

        var parts = new List<Tensor>();
        for (long start = 0; start < rows; start += tile)
        {
            using var scope = NewDisposeScope();
            var part = Dequantize(start, Math.Min(tile, rows - start));
            parts.Add(matmul(x, part.t()).MoveToOuterDisposeScope());
        }

        return cat(parts, -1);
    }

    public abstract void Dispose();

    /// <summary>Some rows as float32 <c>[count, in]</c>; <paramref name="first"/> is a multiple of 8.</summary>
    protected abstract Tensor Dequantize(long first, long count);
}
