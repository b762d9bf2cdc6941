using GptOss.Net.Checkpoint;
using GptOss.Net.Model;

namespace GptOss.Net.Tests.Model;

/// <summary>The tensors of a checkpoint in memory, to be renamed, reshaped, added and removed, and written again.</summary>
internal sealed class StoredTensors : Dictionary<string, (TensorType Type, long[] Shape, byte[] Values)>
{
    private StoredTensors()
        : base(StringComparer.Ordinal)
    {
    }

    public static StoredTensors OfFixture(string name)
    {
        using var checkpoint = SafetensorsCheckpoint.Open(Fixtures.ModelDirectory(name));
        var tensors = new StoredTensors();
        foreach (var tensor in checkpoint.Tensors.Values)
        {
            tensors.Add(tensor.Name, (tensor.Type, [.. tensor.Shape], Bytes(tensor)));
        }

        return tensors;
    }

    /// <summary>The bytes as they lie in the file, whatever they stand for.</summary>
    public static byte[] Bytes(CheckpointTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.Source.Read(tensor.Offset, bytes, tensor.Name);
        return bytes;
    }

    public void Rename(string from, string to)
    {
        Add(to, this[from]);
        Remove(from);
    }

    /// <summary>Joins tensors along their first dimension and removes them.</summary>
    public void Join(string to, params string[] parts)
    {
        var all = parts.Select(part => this[part]).ToList();
        Add(to, (all[0].Type, [all.Sum(part => part.Shape[0]), .. all[0].Shape[1..]], [.. all.SelectMany(part => part.Values)]));
        Array.ForEach(parts, part => Remove(part));
    }

    /// <summary>Renames the tensors to those of OpenAI's own code, which fuses query, key and value.</summary>
    public void UseOriginalNames(int layers)
    {
        Rename("model.embed_tokens.weight", "embedding.weight");
        Rename("lm_head.weight", "unembedding.weight");
        Rename("model.norm.weight", "norm.scale");
        for (var layer = 0; layer < layers; layer++)
        {
            var (from, to) = ($"model.layers.{layer}", $"block.{layer}");
            Rename($"{from}.input_layernorm.weight", $"{to}.attn.norm.scale");
            Rename($"{from}.post_attention_layernorm.weight", $"{to}.mlp.norm.scale");
            Rename($"{from}.self_attn.sinks", $"{to}.attn.sinks");
            foreach (var part in new[] { "weight", "bias" })
            {
                Join($"{to}.attn.qkv.{part}", [.. "qkv".Select(c => $"{from}.self_attn.{c}_proj.{part}")]);
                Rename($"{from}.self_attn.o_proj.{part}", $"{to}.attn.out.{part}");
                Rename($"{from}.mlp.router.{part}", $"{to}.mlp.gate.{part}");
            }

            foreach (var (name, fused) in new[] { ("gate_up_proj", "mlp1"), ("down_proj", "mlp2") })
            {
                Rename($"{from}.mlp.experts.{name}_blocks", $"{to}.mlp.{fused}_weight.blocks");
                Rename($"{from}.mlp.experts.{name}_scales", $"{to}.mlp.{fused}_weight.scales");
                Rename($"{from}.mlp.experts.{name}_bias", $"{to}.mlp.{fused}_bias");
            }
        }
    }

    /// <summary>Adds a tensor of random bytes.</summary>
    public void Fill(string name, TensorType type, params long[] shape)
    {
        var values = new byte[shape.Aggregate((long)type.Size(), (product, dimension) => product * dimension)];
        new Random(name.Length).NextBytes(values);
        Add(name, (type, shape, values));
    }

    public SafetensorsCheckpoint Write(TemporaryDirectory directory, ModelConfig config)
    {
        CheckpointWriter.Write(directory.Path, config, Writer(Keys));
        return SafetensorsCheckpoint.Open(directory.Path);
    }

    /// <summary>Writes some of the tensors.</summary>
    public SafetensorsWriter Writer(IEnumerable<string> names)
    {
        var writer = new SafetensorsWriter();
        foreach (var name in names)
        {
            writer.Add(name, this[name].Type, this[name].Shape, this[name].Values);
        }

        return writer;
    }
}
