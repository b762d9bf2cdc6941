using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using GptOss.Net.Checkpoint;
using GptOss.Net.Quantization;

namespace GptOss.Net.Tests.Model;

/// <summary>A fixture that is changed and written again: its config.json as text, and its tensors.</summary>
internal sealed class CheckpointDraft(string fixture)
{
    public string Fixture { get; } = fixture;

    public JsonObject Config { get; } =
        JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures.ModelDirectory(fixture), "config.json")))!.AsObject();

    public StoredTensors Tensors { get; } = StoredTensors.OfFixture(fixture);

    /// <summary>The values of a tensor, to be changed in place.</summary>
    public Span<T> Values<T>(string tensor)
        where T : struct => MemoryMarshal.Cast<byte, T>(Tensors[tensor].Values.AsSpan());

    /// <summary>The names of the AWQ matrices, without <c>.qweight</c>.</summary>
    public string[] AwqMatrices() => With(".qweight");

    /// <summary>The names of the MXFP4 matrices, without <c>_blocks</c>.</summary>
    public string[] Mxfp4Matrices() => With("_blocks");

    /// <summary>Turns an AWQ matrix upside down: 15 − q, 15 − z and −s stand for the same values.</summary>
    public void NegateAwq(string name)
    {
        foreach (var part in new[] { "qweight", "qzeros" })
        {
            foreach (ref var value in Values<byte>($"{name}.{part}"))
            {
                value = (byte)~value;
            }
        }

        foreach (ref var scale in Values<Half>($"{name}.scales"))
        {
            scale = -scale;
        }
    }

    /// <summary>Stores an AWQ matrix as F32.</summary>
    public void ExpandAwq(string name)
    {
        var shape = Tensors[$"{name}.scales"].Shape;
        var (outputs, inputs) = ((int)shape[1], (int)shape[0] * 32);
        var matrix = new AwqMatrix(
            Values<int>($"{name}.qweight"), Values<int>($"{name}.qzeros"), Values<Half>($"{name}.scales"), inputs, outputs, 32);
        var values = new float[outputs * inputs];
        AwqFormat.DecodeRows(matrix, values);
        Array.ForEach(["qweight", "qzeros", "scales"], part => Tensors.Remove($"{name}.{part}"));
        Tensors.Add($"{name}.weight", (TensorType.F32, [outputs, inputs], MemoryMarshal.AsBytes(values.AsSpan()).ToArray()));
    }

    /// <summary>Stores an MXFP4 matrix as BF16, which holds the same values: <c>[experts, in, out]</c>.</summary>
    public void ExpandMxfp4(string name)
    {
        var shape = Tensors[$"{name}_blocks"].Shape;
        var (experts, outputs, inputs) = ((int)shape[0], (int)shape[1], (int)shape[2] * 32);
        var values = new float[experts * outputs * inputs];
        Mxfp4Format.Decode(Tensors[$"{name}_blocks"].Values, Tensors[$"{name}_scales"].Values, values);
        var transposed = new ushort[values.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var (expert, output, input) = (i / inputs / outputs, i / inputs % outputs, i % inputs);
            transposed[(((expert * inputs) + input) * outputs) + output] = Bf16Format.FromSingle(values[i]);
        }

        Array.ForEach(["blocks", "scales"], part => Tensors.Remove($"{name}_{part}"));
        Tensors.Add(name, (TensorType.BF16, [experts, inputs, outputs], MemoryMarshal.AsBytes(transposed.AsSpan()).ToArray()));
    }

    /// <summary>Stores a BF16 tensor as F32.</summary>
    public void Widen(string name)
    {
        var (_, shape, values) = Tensors[name];
        var wide = new float[values.Length / 2];
        Bf16Format.Decode(MemoryMarshal.Cast<byte, ushort>(values), wide);
        Tensors[name] = (TensorType.F32, shape, MemoryMarshal.AsBytes(wide.AsSpan()).ToArray());
    }

    /// <summary>Multiplies BF16 or F16 values; by a power of two, nothing is rounded.</summary>
    public void Scale(string name, float factor)
    {
        if (Tensors[name].Type == TensorType.F16)
        {
            foreach (ref var value in Values<Half>(name))
            {
                value *= (Half)factor;
            }

            return;
        }

        foreach (ref var value in Values<ushort>(name))
        {
            value = Bf16Format.FromSingle(Bf16Format.ToSingle(value) * factor);
        }
    }

    /// <summary>Reorders the first dimension of a tensor.</summary>
    public void Permute(string name, int[] order)
    {
        var (type, shape, values) = Tensors[name];
        var size = values.Length / order.Length;
        Tensors[name] = (type, shape, [.. order.SelectMany(row => values[(row * size)..((row + 1) * size)])]);
    }

    public void Write(string directory)
    {
        WriteConfig(directory);
        Tensors.Writer(Tensors.Keys).Save(Path.Combine(directory, "model.safetensors"));
    }

    /// <summary>Writes the tensors to several files, each to one of them, and an index.</summary>
    public void WriteShards(string directory, int count, Random random)
    {
        WriteConfig(directory);
        var map = new JsonObject();
        var shards = Tensors.Keys.GroupBy(_ => $"model-{random.Next(count):D5}.safetensors", StringComparer.Ordinal).ToList();
        foreach (var shard in shards)
        {
            Tensors.Writer(shard).Save(Path.Combine(directory, shard.Key));
            foreach (var name in shard)
            {
                map[name] = shard.Key;
            }
        }

        File.WriteAllText(
            Path.Combine(directory, "model.safetensors.index.json"), JsonSerializer.Serialize(new JsonObject { ["weight_map"] = map }));
    }

    private void WriteConfig(string directory)
    {
        Directory.CreateDirectory(directory);
        File.WriteAllText(Path.Combine(directory, "config.json"), Config.ToJsonString());
    }

    private string[] With(string ending) =>
    [
        .. Tensors.Keys.Where(name => name.EndsWith(ending, StringComparison.Ordinal)).Select(name => name[..^ending.Length])
            .Order(StringComparer.Ordinal),
    ];
}
