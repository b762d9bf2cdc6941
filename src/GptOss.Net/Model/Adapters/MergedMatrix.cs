using System.Numerics;
using System.Runtime.InteropServices;
using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model.Adapters;

/// <summary>
/// A matrix and what an adapter adds to it: <c>V = W + scale · B A</c> as float32 <c>[out, in]</c>, computed while it is read. Where the
/// adapter has magnitudes (DoRA), each row of V is brought to its magnitude's length: <c>m · V / ‖V‖</c>.
/// </summary>
internal sealed class MergedMatrix : DerivedTensorSource
{
    private readonly WeightSource _matrix;
    private readonly LoraPair _pair;
    private readonly LoraPart _part;
    private readonly float _scale;

    private MergedMatrix(WeightSource matrix, LoraPair pair, LoraPart part, double scale)
        : base(pair.A.Source.Path, checked(matrix.InputSize * sizeof(float) * (WeightRows.AreApart(matrix) ? 1 : matrix.OutputSize))) =>
        (_matrix, _pair, _part, _scale) = (matrix, pair, part, (float)scale);

    /// <summary>Merges; nothing is read yet.</summary>
    public static DenseWeightSource Merge(WeightSource matrix, LoraPair pair, LoraPart part, double scale) => new(
        matrix.OutputSize,
        matrix.InputSize,
        new CheckpointTensor(
            new MergedMatrix(matrix, pair, part, scale), pair.Module, TensorType.F32, [matrix.OutputSize, matrix.InputSize]));

    protected override void Make(long first, Span<byte> destination, string? tensor)
    {
        var values = MemoryMarshal.Cast<byte, float>(destination);
        var columns = _matrix.InputSize;
        var firstRow = WeightRows.AreApart(_matrix) ? (int)first : 0;
        WeightRows.Read(_matrix, firstRow, values.Length / columns, values);
        for (var i = 0; i < values.Length / columns; i++)
        {
            var row = values.Slice(i * columns, columns);
            var output = (_part.RowStep * (firstRow + i)) + _part.FirstRow;
            AddTo(row, output);
            if (_pair.MagnitudeValues is { } magnitudes)
            {
                Scale(row, magnitudes[output]);
            }
        }
    }

    /// <summary>Gives a row a length. One of zeros has no direction and stays as it is.</summary>
    private static void Scale(Span<float> row, float length)
    {
        var sum = 0.0;
        foreach (var value in row)
        {
            sum += (double)value * value;
        }

        var factor = sum > 0 ? (float)(length / Math.Sqrt(sum)) : 0;
        foreach (ref var value in row)
        {
            value *= factor;
        }
    }

    private void AddTo(Span<float> row, int output)
    {
        var rank = _pair.Width / _part.Experts;
        for (var k = 0; k < rank; k++)
        {
            var factor = _scale * _pair.BValues[(output * _pair.Width) + (k * _part.Experts) + _part.Expert];
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
