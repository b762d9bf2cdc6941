using System.Runtime.InteropServices;
using GptOss.Net.Quantization;

namespace GptOss.Net.Model.Adapters;

/// <summary>Reads rows of a matrix of any form as float32.</summary>
internal static class WeightRows
{
    /// <summary>Whether rows can be read apart; otherwise only the whole matrix can.</summary>
    public static bool AreApart(WeightSource source) => source is Mxfp4WeightSource or DenseWeightSource { Transposed: false };

    /// <summary>Reads some rows, <c>[count, in]</c>; where they are not apart, all.</summary>
    public static void Read(WeightSource source, int first, int count, Span<float> values)
    {
        switch (source)
        {
            case DenseWeightSource { Transposed: false } dense:
                dense.Values.Rows(first, count).ReadSingles().CopyTo(values);
                break;
            case DenseWeightSource dense:
                Transpose(dense.Values.ReadSingles(), dense.InputSize, dense.OutputSize, values);
                break;
            case Mxfp4WeightSource mxfp4:
                Mxfp4Format.Decode(Bytes(mxfp4.Blocks.Rows(first, count)), Bytes(mxfp4.Scales.Rows(first, count)), values);
                break;
            case AwqWeightSource awq:
                var matrix = new AwqMatrix(
                    MemoryMarshal.Cast<byte, int>(Bytes(awq.QWeight)),
                    MemoryMarshal.Cast<byte, int>(Bytes(awq.QZeros)),
                    MemoryMarshal.Cast<byte, Half>(Bytes(awq.Scales)),
                    awq.InputSize,
                    awq.OutputSize,
                    awq.GroupSize);
                AwqFormat.DecodeRows(matrix, values);
                break;
            default:
                throw new ArgumentException($"{source.GetType().Name} has no rows.", nameof(source));
        }
    }

    private static byte[] Bytes(Checkpoint.CheckpointTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.Read(0, bytes);
        return bytes;
    }

    private static void Transpose(float[] stored, int rows, int columns, Span<float> values)
    {
        for (var i = 0; i < stored.Length; i++)
        {
            values[(i % columns * rows) + (i / columns)] = stored[i];
        }
    }
}
