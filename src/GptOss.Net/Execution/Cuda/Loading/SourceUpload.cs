using System.Runtime.InteropServices;
using GptOss.Net.Checkpoint;
using GptOss.Net.Execution.Cuda.Kernels;
using GptOss.Net.Model;

namespace GptOss.Net.Execution.Cuda.Loading;

/// <summary>Brings a checkpoint's own bytes into a lane and says how the packing kernels find them there.</summary>
internal static class SourceUpload
{
    // What a lane adds to each piece for alignment.
    private const int Alignment = 256;

    /// <summary>The bytes of a lane that a whole matrix takes.</summary>
    public static long Bytes(WeightSource source) => source.ByteLength + (3 * Alignment);

    /// <summary>Reads some rows of a matrix that is stored by rows, or a whole matrix of any kind.</summary>
    public static (SourceFormat Format, PackKernels.Parameters Parameters) Read(
        UploadLane lane, WeightSource source, int firstRow, int rows)
    {
        var parameters = PackKernels.Parameters.Whole(0, 0, rows, source.InputSize, rows, source.InputSize);
        switch (source)
        {
            case Mxfp4WeightSource mxfp4:
                parameters.From = Load(lane, mxfp4.Blocks.Rows(firstRow, rows));
                parameters.Scales = Load(lane, mxfp4.Scales.Rows(firstRow, rows));
                return (SourceFormat.Mxfp4, parameters);
            case AwqWeightSource awq:
                parameters.From = Load(lane, awq.QWeight);
                parameters.Scales = Load(lane, awq.Scales);
                parameters.Zeros = Load(lane, awq.QZeros);
                parameters.GroupSize = awq.GroupSize;
                return (SourceFormat.Awq, parameters);
            case DenseWeightSource { Transposed: true } dense:
                parameters.From = Load(lane, dense.Values);
                (parameters.RowStride, parameters.KStride) = (1, source.OutputSize);
                return (Format(dense.Values.Type), parameters);
            case DenseWeightSource dense:
                parameters.From = Load(lane, dense.Values.Rows(firstRow, rows));
                return (Format(dense.Values.Type), parameters);
            default:
                throw new ArgumentException($"{source.GetType().Name} has no form on a device.", nameof(source));
        }
    }

    /// <summary>Whether rows can be read apart.</summary>
    public static bool IsByRows(WeightSource source) => source is Mxfp4WeightSource or DenseWeightSource { Transposed: false };

    /// <summary>Reads a bias, a gain or sinks.</summary>
    public static (SourceFormat Format, PackKernels.Parameters Parameters) Read(UploadLane lane, CheckpointTensor vector)
    {
        var length = checked((int)vector.ElementCount);
        return (Format(vector.Type), PackKernels.Parameters.Whole(0, Load(lane, vector), length, 1, length, 1));
    }

    /// <summary>Writes so many zeros as bfloat16: a bias that the checkpoint does not have.</summary>
    public static (SourceFormat Format, PackKernels.Parameters Parameters) Zeros(UploadLane lane, int length)
    {
        var address = lane.Take(length * sizeof(ushort), out var buffer);
        buffer.Clear();
        return (SourceFormat.Bf16, PackKernels.Parameters.Whole(0, address, length, 1, length, 1));
    }

    /// <summary>Reads rows of the embedding as bfloat16.</summary>
    public static nint ReadBf16(UploadLane lane, DenseWeightSource source, int firstRow, int rows)
    {
        var values = source.Values.Rows(firstRow, rows);
        if (values.Type == TensorType.BF16)
        {
            return Load(lane, values);
        }

        var address = lane.Take(checked((int)values.ElementCount * sizeof(ushort)), out var buffer);
        Quantization.Bf16Format.Encode(values.ReadSingles(), MemoryMarshal.Cast<byte, ushort>(buffer));
        return address;
    }

    private static nint Load(UploadLane lane, CheckpointTensor tensor)
    {
        var address = lane.Take(checked((int)tensor.ByteLength), out var buffer);
        tensor.Read(0, buffer);
        return address;
    }

    private static SourceFormat Format(TensorType type) => type switch
    {
        TensorType.BF16 => SourceFormat.Bf16,
        TensorType.F16 => SourceFormat.F16,
        TensorType.F32 => SourceFormat.F32,
        _ => throw new CheckpointException($"{type} is no type of dense weights; expected BF16, F16 or F32."),
    };
}
