using System.Runtime.InteropServices;
using GptOss.Net.Checkpoint;
using GptOss.Net.Quantization;

namespace GptOss.Net.Model;

/// <summary>
/// 4-bit values that were quantized in another order than they are stored in (GPTQ's <c>desc_act</c>, compressed-tensors' <c>actorder</c>):
/// input i is of group <c>g_idx[i]</c>, not of i / g. No kernel has such groups: they are decoded while they are read, to float32 <c>[in,
/// out]</c>.
/// </summary>
internal static class OrderedInt4
{
    /// <summary>The same matrix where the inputs are in order, else the decoded one.</summary>
    /// <param name="matrix">The values, zeros and scales.</param>
    /// <param name="order">The group of each input, I32 <c>[in]</c>; all -1 where nobody set it. It is read here.</param>
    /// <exception cref="CheckpointException">There is no such group.</exception>
    public static WeightSource Read(AwqWeightSource matrix, CheckpointTensor order)
    {
        var groups = new int[matrix.InputSize];
        order.Read(0, MemoryMarshal.AsBytes(groups.AsSpan()));
        if (groups.Select((group, input) => group == input / matrix.GroupSize).All(isOwn => isOwn) || groups.All(group => group == -1))
        {
            return matrix;
        }

        var count = matrix.InputSize / matrix.GroupSize;
        var other = Array.FindIndex(groups, group => group < 0 || group >= count);
        return other < 0
            ? new DenseWeightSource(matrix.OutputSize, matrix.InputSize, Decoded(matrix, groups), Transposed: true)
            : throw order.Damaged(other, $"group {groups[other]}; there are {count}, counted from 0");
    }

    private static CheckpointTensor Decoded(AwqWeightSource matrix, int[] groups) =>
        new(new Source(matrix, groups), matrix.QWeight.Name, TensorType.F32, [matrix.InputSize, matrix.OutputSize]);

    private sealed class Source(AwqWeightSource matrix, int[] groups)
        : DerivedTensorSource(matrix.QWeight.Source.Path, checked(matrix.InputSize * matrix.OutputSize * sizeof(float)))
    {
        protected override void Make(long first, Span<byte> destination, string? tensor)
        {
            // As if each input were a group of its own, with the zeros and scales of the one that it belongs to.
            var stored = new AwqMatrix(
                Read<int>(matrix.QWeight),
                Gather(Read<int>(matrix.QZeros), matrix.OutputSize / AwqFormat.ValuesPerWord),
                Gather(Read<Half>(matrix.Scales), matrix.OutputSize),
                matrix.InputSize,
                matrix.OutputSize,
                groupSize: 1);
            AwqFormat.Decode(stored, MemoryMarshal.Cast<byte, float>(destination));
        }

        private T[] Gather<T>(T[] rows, int length)
        {
            var gathered = new T[groups.Length * length];
            for (var input = 0; input < groups.Length; input++)
            {
                rows.AsSpan(groups[input] * length, length).CopyTo(gathered.AsSpan(input * length));
            }

            return gathered;
        }

        private static T[] Read<T>(CheckpointTensor tensor)
            where T : unmanaged
        {
            var values = new T[tensor.ElementCount];
            tensor.Read(0, MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }
    }
}
