using GptOss.Net.Checkpoint;
using GptOss.Net.Quantization;

namespace GptOss.Net.Model;

/// <summary>
/// Maps a linear layer of its own: <c>NAME.weight</c>, or <c>NAME.qweight</c> of AWQ and GPTQ, or compressed-tensors'
/// <c>NAME.weight_packed</c>; and <c>NAME.bias</c>.
/// </summary>
internal sealed class LinearReader(ModelConfig config, TensorLookup tensors)
{
    private const int Word = AwqFormat.ValuesPerWord;

    public LinearSource Read(string name, int outputSize, int inputSize)
    {
        var isDense = tensors.Contains($"{name}.weight")
            || (config.Quantization.Method != QuantizationMethod.Awq && !tensors.Contains($"{name}.qweight"));
        return isDense ? ReadDense(name, outputSize, inputSize) : ReadAwq(name, outputSize, inputSize);
    }

    public LinearSource ReadDense(string name, int outputSize, int inputSize) => new(
        new DenseWeightSource(outputSize, inputSize, tensors.Values($"{name}.weight", outputSize, inputSize)),
        tensors.Values($"{name}.bias", outputSize));

    private LinearSource ReadAwq(string name, int outputSize, int inputSize)
    {
        var group = AwqGroupSize(config, name, outputSize, inputSize);
        var (words, zeros, scales) = config.Quantization.Layout switch
        {
            Int4Layout.Gptq => FindGptq(name, outputSize, inputSize, inputSize / group),
            Int4Layout.CompressedTensors => FindCompressed(name, outputSize, inputSize, inputSize / group),
            _ => (
                tensors.Get(TensorType.I32, $"{name}.qweight", inputSize, outputSize / Word),
                tensors.Get(TensorType.I32, $"{name}.qzeros", inputSize / group, outputSize / Word),
                tensors.Get(TensorType.F16, $"{name}.scales", inputSize / group, outputSize)),
        };
        var matrix = new AwqWeightSource(outputSize, inputSize, words, zeros, scales, group);
        return new LinearSource(InOrder(name, matrix), tensors.Values($"{name}.bias", outputSize));
    }

    /// <summary>Looks at which group each input belongs to, where a file says that.</summary>
    private WeightSource InOrder(string name, AwqWeightSource matrix)
    {
        var order = config.Quantization.Layout switch
        {
            Int4Layout.Gptq => $"{name}.g_idx",
            Int4Layout.CompressedTensors => $"{name}.weight_g_idx",
            _ => null,
        };
        if (order is null || !(tensors.Contains(order) || config.Quantization.HasInputOrder))
        {
            return matrix;
        }

        var groups = tensors.Get(TensorType.I32, order, matrix.InputSize);
        return tensors.Contains(order) ? OrderedInt4.Read(matrix, groups) : matrix;
    }

    private (CheckpointTensor Words, CheckpointTensor Zeros, CheckpointTensor Scales) FindGptq(
        string name, int outputs, int inputs, int groups)
    {
        var quantization = config.Quantization;
        var zeros = tensors.Get(TensorType.I32, $"{name}.qzeros", groups, outputs / Word);
        return (
            PackedInt4.GptqValues(tensors.Get(TensorType.I32, $"{name}.qweight", inputs / Word, outputs), inputs, outputs),
            PackedInt4.GptqZeros(zeros, groups, outputs, quantization.IsSymmetric, quantization.ZeroOffset),
            PackedInt4.Scales(tensors.Values($"{name}.scales", groups, outputs), groups, outputs, isTransposed: false));
    }

    private (CheckpointTensor Words, CheckpointTensor Zeros, CheckpointTensor Scales) FindCompressed(
        string name, int outputs, int inputs, int groups)
    {
        if (tensors.Contains($"{name}.weight_shape"))
        {
            tensors.Get(TensorType.I64, $"{name}.weight_shape", 2);
        }

        var words = tensors.Get(TensorType.I32, $"{name}.weight_packed", outputs, inputs / Word);
        var zeros = config.Quantization.IsSymmetric
            ? null
            : tensors.Get(TensorType.I32, $"{name}.weight_zero_point", outputs / Word, groups);
        return (
            PackedInt4.PackedValues(words, inputs, outputs),
            PackedInt4.PackedZeros(words, zeros, groups, outputs),
            PackedInt4.Scales(tensors.Values($"{name}.weight_scale", outputs, groups), groups, outputs, isTransposed: true));
    }

    /// <summary>The config's group size, checked against the sizes of a matrix.</summary>
    public static int AwqGroupSize(ModelConfig config, string name, int outputSize, int inputSize)
    {
        var (method, group) = config.Quantization;
        if (method != QuantizationMethod.Awq)
        {
            throw new CheckpointException(
                $"is stored as AWQ, but config.json's quantization_config says {method}; expected quant_method 'awq'.", file: null, name);
        }

        return inputSize % group == 0 && inputSize % Word == 0 && outputSize % AwqFormat.ValuesPerWord == 0
            ? group
            : throw new CheckpointException(
                $"has {inputSize} inputs and {outputSize} outputs; "
                + $"AWQ asks for multiples of group_size = {group} and of {AwqFormat.ValuesPerWord}.",
                file: null,
                name);
    }
}
