using System.Runtime.InteropServices;
using GptOss.Net.Checkpoint;
using GptOss.Net.Quantization;

namespace GptOss.Net.Model;

/// <summary>
/// Reads the 4-bit layouts of GPTQ and compressed-tensors as AWQ's (<see cref="AwqFormat"/>), which all executors have code for; nothing is
/// rounded.
/// <code>
/// AWQ                  qweight [in, out / 8], nibbles along out in PackOrder
///                      qzeros [in / g, out / 8]              scales [in / g, out]
/// GPTQ                 qweight [in / 8, out], nibbles along in, lowest first
///                      qzeros [in / g, out / 8], less one    scales [in / g, out]
/// compressed-tensors   weight_packed [out, in / 8], nibbles along in, lowest first
///                      weight_zero_point [out / 8, in / g]   weight_scale [out, in / g]
/// </code>
/// </summary>
internal static class PackedInt4
{
    private const int Word = AwqFormat.ValuesPerWord;
    private const int MaxValue = 15;
    private const int Middle = 8;

    /// <summary>GPTQ's values, eight inputs at a time.</summary>
    public static CheckpointTensor GptqValues(CheckpointTensor words, int inputs, int outputs) => Derive(
        words, [inputs, outputs / Word], Word * (outputs / Word) * sizeof(int), (first, destination) =>
        {
            var stored = Read(words, first * outputs, destination.Length / Word * Word);
            for (var i = 0; i < destination.Length; i++)
            {
                var (row, column) = Math.DivRem(i, outputs / Word);
                destination[i] = Pack(j => Nibble(stored[(row / Word * outputs) + (column * Word) + j], row % Word));
            }
        });

    /// <summary>GPTQ's zeros, a group at a time; what is stored and what is meant may differ by one.</summary>
    public static CheckpointTensor GptqZeros(CheckpointTensor zeros, int groups, int outputs, bool isSymmetric, int offset) => Derive(
        zeros, [groups, outputs / Word], outputs / Word * sizeof(int), (first, destination) =>
        {
            var stored = Read(zeros, first * destination.Length, destination.Length);
            for (var i = 0; i < destination.Length; i++)
            {
                var index = (first * destination.Length) + i;
                destination[i] = Pack(j => Zero(zeros, index, Nibble(stored[i], j), isSymmetric, offset));
            }
        },
        unitsAtOnce: 1);

    /// <summary>compressed-tensors' values.</summary>
    public static CheckpointTensor PackedValues(CheckpointTensor words, int inputs, int outputs) => Derive(
        words, [inputs, outputs / Word], checked(inputs * (outputs / Word) * sizeof(int)), (_, destination) =>
        {
            var stored = Read(words, 0, outputs * (inputs / Word));
            for (var i = 0; i < destination.Length; i++)
            {
                var (input, column) = Math.DivRem(i, outputs / Word);
                destination[i] = Pack(j => Nibble(stored[(((column * Word) + j) * (inputs / Word)) + (input / Word)], input % Word));
            }
        });

    /// <summary>compressed-tensors' zeros; where the quantization is symmetric, it stores none.</summary>
    public static CheckpointTensor PackedZeros(CheckpointTensor values, CheckpointTensor? zeros, int groups, int outputs) => Derive(
        zeros ?? values, [groups, outputs / Word], groups * (outputs / Word) * sizeof(int), (_, destination) =>
        {
            var stored = zeros is null ? null : Read(zeros, 0, outputs / Word * groups);
            for (var i = 0; i < destination.Length; i++)
            {
                var (group, column) = Math.DivRem(i, outputs / Word);
                destination[i] = Pack(j => stored is null ? Middle : Nibble(stored[(column * groups) + group], j));
            }
        });

    /// <summary>Scales as float16 <c>[in / g, out]</c>; what float16 cannot hold exactly enough is refused.</summary>
    public static CheckpointTensor Scales(CheckpointTensor scales, int groups, int outputs, bool isTransposed)
    {
        if (scales.Type == TensorType.F16 && !isTransposed)
        {
            return scales;
        }

        return new CheckpointTensor(
            new Derived(scales.Source.Path, groups * outputs * sizeof(ushort), (_, bytes) =>
            {
                var stored = scales.ReadSingles();
                var destination = MemoryMarshal.Cast<byte, Half>(bytes);
                for (var i = 0; i < destination.Length; i++)
                {
                    var from = isTransposed ? (i % outputs * groups) + (i / outputs) : i;
                    destination[i] = (Half)stored[from];
                    if (MathF.Abs((float)destination[i] - stored[from]) > MathF.Abs(stored[from]) / 2048)
                    {
                        throw scales.Damaged(from, $"a scale of {stored[from]}, which float16 cannot hold");
                    }
                }
            }),
            scales.Name,
            TensorType.F16,
            [groups, outputs]);
    }

    private static int Nibble(int word, int index) => (word >> (4 * index)) & MaxValue;

    // Output j of the eight, into AWQ's order.
    private static int Pack(Func<int, int> nibble)
    {
        var word = 0;
        for (var j = 0; j < Word; j++)
        {
            word |= nibble(j) << (4 * AwqFormat.NibbleOf[j]);
        }

        return word;
    }

    // Where the quantization is symmetric, the zero is the middle, and files store that or one less, whatever else they say.
    private static int Zero(CheckpointTensor zeros, long index, int stored, bool isSymmetric, int offset)
    {
        if (isSymmetric)
        {
            return stored is Middle or Middle - 1
                ? Middle
                : throw zeros.Damaged(index, $"a zero of {stored}; a symmetric quantization has 7 or 8");
        }

        return stored + offset <= MaxValue
            ? stored + offset
            : throw zeros.Damaged(index, $"a zero of {stored + offset}; at most {MaxValue} can be held");
    }

    private static int[] Read(CheckpointTensor tensor, long first, int count)
    {
        var words = new int[count];
        tensor.Read(first * sizeof(int), MemoryMarshal.AsBytes(words.AsSpan()));
        return words;
    }

    private static CheckpointTensor Derive(
        CheckpointTensor from, long[] shape, int unitBytes, Action<long, int[]> make, int unitsAtOnce = int.MaxValue) => new(
        new Derived(from.Source.Path, unitBytes, (first, bytes) =>
        {
            while (!bytes.IsEmpty)
            {
                var count = (int)Math.Min(bytes.Length, (long)unitsAtOnce * unitBytes);
                var words = new int[count / sizeof(int)];
                make(first, words);
                MemoryMarshal.AsBytes(words.AsSpan()).CopyTo(bytes);
                bytes = bytes[count..];
                first += count / unitBytes;
            }
        }),
        from.Name,
        TensorType.I32,
        [.. shape]);

    private delegate void MakeUnits(long first, Span<byte> destination);

    private sealed class Derived(string path, int unitBytes, MakeUnits make) : DerivedTensorSource(path, unitBytes)
    {
        protected override void Make(long first, Span<byte> destination, string? tensor) => make(first, destination);
    }
}
