using GptOss.Net.Checkpoint;
using GptOss.Net.Quantization;

namespace GptOss.Net.Model;

/// <summary>Maps matrices that are stored for all experts at once, the expert being the first dimension.</summary>
internal sealed class FusedExpertsReader(ModelConfig config, TensorLookup tensors)
{
    /// <summary>Joins the two matrices of each expert.</summary>
    public static ExpertSource[] Pair(LinearSource[] gateUp, LinearSource[] down) =>
        [.. gateUp.Zip(down, (first, second) => new ExpertSource(first, Gate: null, Up: null, second))];

    /// <summary>MXFP4: blocks U8 <c>[experts, out, in / 32, 16]</c> and scales U8 <c>[experts, out, in / 32]</c>.</summary>
    public LinearSource[] ReadMxfp4(string name, char separator, string biasName, int outputSize, int inputSize)
    {
        var (method, group) = config.Quantization;
        if (method != QuantizationMethod.Mxfp4)
        {
            throw new CheckpointException(
                $"is stored as MXFP4, but config.json's quantization_config says {method}; expected quant_method 'mxfp4'.", file: null,
                name);
        }

        var experts = config.ExpertCount;
        var blocks = tensors.Get(
            TensorType.U8, $"{name}{separator}blocks", experts, outputSize, inputSize / group, Mxfp4Format.BlockBytes);
        var scales = tensors.Get(TensorType.U8, $"{name}{separator}scales", experts, outputSize, inputSize / group).As(TensorType.F8E8M0);
        return ForEachExpert(
            biasName, outputSize, expert => new Mxfp4WeightSource(outputSize, inputSize, blocks.Select(expert), scales.Select(expert)));
    }

    /// <summary>Dense: <c>[experts, out, in]</c>, or <c>[experts, in, out]</c> where transposed.</summary>
    public LinearSource[] ReadDense(string name, string biasName, int outputSize, int inputSize, bool isTransposed)
    {
        var (rows, columns) = isTransposed ? (inputSize, outputSize) : (outputSize, inputSize);
        var values = tensors.Values(name, config.ExpertCount, rows, columns);
        return ForEachExpert(
            biasName, outputSize, expert => new DenseWeightSource(outputSize, inputSize, values.Select(expert), isTransposed));
    }

    /// <summary>AWQ: the three tensors of a linear layer, each with the expert as its first dimension.</summary>
    public LinearSource[] ReadAwq(string name, char separator, int outputSize, int inputSize)
    {
        if (config.Quantization.Layout != Int4Layout.Awq)
        {
            throw new CheckpointException(
                $"holds all experts at once; with {config.Quantization.Layout} each must be stored apart.", file: null, name);
        }

        var group = LinearReader.AwqGroupSize(config, name, outputSize, inputSize);
        var experts = config.ExpertCount;
        const int Word = AwqFormat.ValuesPerWord;
        var words = tensors.Get(TensorType.I32, $"{name}{separator}qweight", experts, inputSize, outputSize / Word);
        var zeros = tensors.Get(TensorType.I32, $"{name}{separator}qzeros", experts, inputSize / group, outputSize / Word);
        var scales = tensors.Get(TensorType.F16, $"{name}{separator}scales", experts, inputSize / group, outputSize);
        var bias = tensors.Contains($"{name}.bias") ? $"{name}.bias" : $"{name}_bias";
        return ForEachExpert(bias, outputSize, expert => new AwqWeightSource(
            outputSize, inputSize, words.Select(expert), zeros.Select(expert), scales.Select(expert), group));
    }

    private LinearSource[] ForEachExpert(string biasName, int outputSize, Func<int, WeightSource> weight)
    {
        var bias = tensors.Values(biasName, config.ExpertCount, outputSize);
        return [.. Enumerable.Range(0, config.ExpertCount).Select(expert => new LinearSource(weight(expert), bias.Select(expert)))];
    }
}
