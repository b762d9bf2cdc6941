using System.Numerics;
using System.Runtime.InteropServices;
using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model.Adapters;

/// <summary>
/// A matrix and what an adapter adds to it: <c>W + scale · B A</c> as float32 <c>[out, in]</c>, computed while it is read.
/// </summary>
internal sealed class MergedMatrix : DerivedTensorSource
{
    private readonly WeightSource _matrix;
    private readonly LoraPair _pair;
    private readonly LoraPart _part;

    private MergedMatrix(WeightSource matrix, LoraPair pair, LoraPart part)
        : base(pair.A.Source.Path, checked(matrix.InputSize * sizeof(float) * (WeightRows.AreApart(matrix) ? 1 : matrix.OutputSize))) =>
        (_matrix, _pair, _part) = (matrix, pair, part);

    /// <summary>Merges; nothing is read yet.</summary>
    public static DenseWeightSource Merge(WeightSource matrix, LoraPair pair, LoraPart part) => new(
        matrix.OutputSize,
        matrix.InputSize,
        new CheckpointTensor(new MergedMatrix(matrix, pair, part), pair.Module, TensorType.F32, [matrix.OutputSize, matrix.InputSize]));

    protected override void Make(long first, Span<byte> destination, string? tensor)
    {
        var values = MemoryMarshal.Cast<byte, float>(destination);
        var columns = _matrix.InputSize;
        var firstRow = WeightRows.AreApart(_matrix) ? (int)first : 0;
        WeightRows.Read(_matrix, firstRow, values.Length / columns, values);
        for (var row = 0; row < values.Length / columns; row++)
        {
            AddTo(values.Slice(row * columns, columns), (_part.RowStep * (firstRow + row)) + _part.FirstRow);
        }
    }

    private void AddTo(Span<float> row, int output)
    {
        var rank = _pair.Width / _part.Experts;
        for (var k = 0; k < rank; k++)
        {
            var factor = (float)_pair.Scale * _pair.BValues[(output * _pair.Width) + (k * _part.Experts) + _part.Expert];
            var a = _pair.AValues.AsSpan(((_part.Expert * rank) + k) * row.Length, row.Length);
            var i = 0;
            for (; i <= row.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                (new Vector<float>(row[i..]) + (factor * new Vector<float>(a[i..]))).CopyTo(row[i..]);
            }

            for (; i < row.Length; i++)
            {
                row[i] += factor * a[i];
            }
        }
    }
}
