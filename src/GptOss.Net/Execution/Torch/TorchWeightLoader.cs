using GptOss.Net.Checkpoint;
using GptOss.Net.Interop;
using GptOss.Net.Model;
using static TorchSharp.torch;

namespace GptOss.Net.Execution.Torch;

/// <summary>Reads weights from the checkpoint straight into tensors on one device.</summary>
/// <remarks>Files are read, not mapped: mapped pages would count as resident memory beside the tensors.</remarks>
internal sealed class TorchWeightLoader : IDisposable
{
    private const int ChunkSize = 16 << 20;

    private readonly ScalarType _storageType;
    private readonly bool _expandQuantized;
    private readonly WeightReadProgress _progress;
    private readonly Tensor _mxfp4Pairs;
    private readonly Tensor _awqShifts;

    public TorchWeightLoader(Device device, ScalarType storageType, bool expandQuantized, WeightReadProgress progress)
    {
        (Device, _storageType, _expandQuantized, _progress) = (device, storageType, expandQuantized, progress);
        _mxfp4Pairs = TorchMxfp4Matrix.CreatePairs(device);
        _awqShifts = TorchAwqMatrix.CreateShifts(device);
    }

    public Device Device { get; }

    public void Dispose()
    {
        _mxfp4Pairs.Dispose();
        _awqShifts.Dispose();
    }

    /// <summary>A linear layer; its plain values are held in the storage type, or in <paramref name="type"/>.</summary>
    public TorchLinear Linear(LinearSource source, ScalarType? type = null) =>
        new(Matrix(source.Weight, type), source.Bias is null ? null : Values(source.Bias, ScalarType.Float32));

    /// <summary>A matrix, packed as it is in the checkpoint unless expansion was asked for.</summary>
    public TorchMatrix Matrix(WeightSource source, ScalarType? type = null)
    {
        TorchMatrix matrix = source switch
        {
            DenseWeightSource dense => Dense(dense, type),
            Mxfp4WeightSource mxfp4 => new TorchMxfp4Matrix(Raw(mxfp4.Blocks), Raw(mxfp4.Scales), _mxfp4Pairs),
            AwqWeightSource awq => new TorchAwqMatrix(Raw(awq.QWeight), Raw(awq.QZeros), Raw(awq.Scales), _awqShifts),
            _ => throw new NotSupportedException($"{source.GetType().Name} has no Torch form."),
        };
        if (matrix is TorchDenseMatrix || !_expandQuantized)
        {
            return matrix;
        }

        using (matrix)
        {
            using var scope = NewDisposeScope();
            return new TorchDenseMatrix(matrix.Dequantize().to(_storageType).contiguous().MoveToOuterDisposeScope());
        }
    }

    /// <summary>A dense matrix as <c>[out, in]</c>.</summary>
    public TorchDenseMatrix Dense(DenseWeightSource source, ScalarType? type = null)
    {
        var values = Values(source.Values, type ?? _storageType);
        if (!source.Transposed)
        {
            return new TorchDenseMatrix(values);
        }

        using (values)
        using (var transposed = values.t())
        {
            return new TorchDenseMatrix(transposed.contiguous());
        }
    }

    /// <summary>The values of a tensor, converted to <paramref name="type"/>.</summary>
    public Tensor Values(CheckpointTensor source, ScalarType type)
    {
        var raw = Raw(source);
        if (raw.dtype == type)
        {
            return raw;
        }

        using (raw)
        {
            return raw.to(type);
        }
    }

    private Tensor Raw(CheckpointTensor source)
    {
        var type = source.Type switch
        {
            TensorType.BF16 => ScalarType.BFloat16,
            TensorType.F16 => ScalarType.Float16,
            TensorType.F32 => ScalarType.Float32,
            TensorType.U8 or TensorType.F8E8M0 => ScalarType.Byte,
            TensorType.I32 => ScalarType.Int32,
            _ => throw new CheckpointException($"{source.Type} values have no use here.", source.Source.Path, source.Name),
        };
        var host = empty([.. source.Shape], dtype: type);
        Read(source, host);
        if (Device.type == TorchSharp.DeviceType.CPU)
        {
            return host;
        }

        using (host)
        {
            return host.to(Device);
        }
    }

    private unsafe void Read(CheckpointTensor source, Tensor destination)
    {
        var pointer = (byte*)destination.DataPointer();
        for (long offset = 0; offset < source.ByteLength; offset += ChunkSize)
        {
            var length = (int)Math.Min(ChunkSize, source.ByteLength - offset);
            source.Read(offset, new Span<byte>(pointer + offset, length));
            _progress.Add(length);
        }
    }
}
