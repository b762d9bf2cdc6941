using GptOss.Net.Checkpoint;
using GptOss.Net.Quantization;

namespace GptOss.Net.Model;

/// <summary>Maps a linear layer of its own: <c>NAME.weight</c>, or AWQ's <c>NAME.qweight</c>, and <c>NAME.bias</c>.</summary>
internal sealed class LinearReader(ModelConfig config, TensorLookup tensors)
{
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
        const int Word = AwqFormat.ValuesPerWord;
        return new LinearSource(
            new AwqWeightSource(
                outputSize,
                inputSize,
                tensors.Get(TensorType.I32, $"{name}.qweight", inputSize, outputSize / Word),
                tensors.Get(TensorType.I32, $"{name}.qzeros", inputSize / group, outputSize / Word),
                tensors.Get(TensorType.F16, $"{name}.scales", inputSize / group, outputSize),
                group),
            tensors.Values($"{name}.bias", outputSize));
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

        return inputSize % group == 0 && outputSize % AwqFormat.ValuesPerWord == 0
            ? group
            : throw new CheckpointException(
                $"has {inputSize} inputs and {outputSize} outputs; AWQ asks for a multiple of group_size = {group} and of {AwqFormat.ValuesPerWord}.",
                file: null,
                name);
    }
}
