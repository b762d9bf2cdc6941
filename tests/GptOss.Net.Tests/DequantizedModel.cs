using System.Runtime.InteropServices;
using GptOss.Net.Checkpoint;
using GptOss.Net.Model;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests;

/// <summary>A fixture with its experts as BF16, <c>[experts, in, out]</c>: the same values, for MXFP4 fits BF16 exactly.</summary>
internal static class DequantizedModel
{
    public static void Write(string fixture, string directory)
    {
        using var checkpoint = SafetensorsCheckpoint.Open(Fixtures.ModelDirectory(fixture));
        var config = ModelConfigReader.Read(checkpoint.ConfigPath);
        var writer = new SafetensorsWriter();
        foreach (var tensor in checkpoint.Tensors.Values)
        {
            if (tensor.Name.EndsWith("_blocks", StringComparison.Ordinal))
            {
                var scales = checkpoint.Tensors[tensor.Name.Replace("_blocks", "_scales", StringComparison.Ordinal)];
                AddDequantized(writer, tensor, scales);
            }
            else if (!tensor.Name.EndsWith("_scales", StringComparison.Ordinal))
            {
                writer.Add(tensor.Name, tensor.Type, tensor.Shape.AsSpan(), Bytes(tensor));
            }
        }

        CheckpointWriter.Write(directory, config with { Quantization = QuantizationConfig.None }, writer);
    }

    private static void AddDequantized(SafetensorsWriter writer, CheckpointTensor blocks, CheckpointTensor scales)
    {
        var values = new float[scales.ElementCount * Mxfp4Format.GroupSize]; // [experts, out, in]
        Mxfp4Format.Decode(Bytes(blocks), Bytes(scales), values);
        var (experts, outputs) = ((int)blocks.Shape[0], (int)blocks.Shape[1]);
        var inputs = values.Length / experts / outputs;
        var transposed = new ushort[values.Length]; // [experts, in, out]
        for (var i = 0; i < values.Length; i++)
        {
            var (expert, output, input) = (i / inputs / outputs, i / inputs % outputs, i % inputs);
            transposed[(((expert * inputs) + input) * outputs) + output] = Bf16Format.FromSingle(values[i]);
        }

        writer.Add(
            blocks.Name.Replace("_blocks", string.Empty, StringComparison.Ordinal),
            TensorType.BF16,
            [experts, inputs, outputs],
            MemoryMarshal.AsBytes(transposed.AsSpan()).ToArray());
    }

    private static byte[] Bytes(CheckpointTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.Read(0, bytes);
        return bytes;
    }
}
