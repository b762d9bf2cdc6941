using System.Buffers;
using System.Text.Json;
using GptOss.Net.Quantization;

namespace GptOss.Net.Checkpoint.Gguf;

/// <summary>
/// Says in config.json's keys what the metadata of a GGUF file say, so that one reader checks both. What the file does not say is taken
/// from the shapes of its tensors; keys of the architecture that mean nothing here are passed on by name, so that they are told as unknown.
/// </summary>
internal sealed class GgufConfig(string path, IReadOnlyDictionary<string, object> metadata, IReadOnlyDictionary<string, GgufTensor> tensors)
{
    // llama.cpp's name and Ollama's.
    private static readonly string[] Architectures = ["gpt-oss", "gptoss"];

    // What is known and needs no place in config.json.
    private static readonly HashSet<string> Meaningless = new(StringComparer.Ordinal)
    {
        "expert_feed_forward_length", "expert_gating_func", "rope.scaling.finetuned", "attention.sliding_window_pattern",
        "attention.key_length_swa", "attention.value_length_swa", "rope.dimension_count_swa", "rope.freq_base_swa",
    };

    private readonly HashSet<string> _used = new(Meaningless, StringComparer.Ordinal);
    private string _architecture = string.Empty;

    /// <summary>Gets how many layers the file says there are; 0 where it does not.</summary>
    public long LayerCount => Find("block_count") as long? ?? 0;

    public (long Heads, long KVHeads) HeadCounts =>
        (Find("attention.head_count") as long? ?? 0, Find("attention.head_count_kv") as long? ?? 0);

    /// <summary>Checks that the file holds gpt-oss.</summary>
    public GgufConfig Check()
    {
        _architecture = metadata.GetValueOrDefault("general.architecture") as string ?? "unknown";
        if (!Architectures.Contains(_architecture, StringComparer.Ordinal))
        {
            throw new CheckpointException($"has the architecture '{_architecture}'; expected 'gpt-oss' or 'gptoss'.", path, tensor: null);
        }

        // What the reader of config.json has no key for.
        ExpectSame("attention.value_length", "attention.key_length");
        ExpectSame("rope.dimension_count", "attention.key_length");
        ExpectSame("expert_feed_forward_length", "feed_forward_length");
        return this;
    }

    /// <summary>Writes config.json.</summary>
    public JsonDocument Write()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("model_type", "gpt_oss");
            Write(json, "hidden_size", Find("embedding_length") ?? Dimension("token_embd.weight", 1));
            Write(json, "vocab_size", Find("vocab_size") ?? Dimension("token_embd.weight", 0));
            Write(
                json, "intermediate_size",
                Find("feed_forward_length") ?? Find("expert_feed_forward_length") ?? Dimension("blk.0.ffn_down_exps.weight", 2));
            Write(json, "num_hidden_layers", Find("block_count"));
            Write(json, "num_attention_heads", Find("attention.head_count"));
            Write(json, "num_key_value_heads", Find("attention.head_count_kv"));
            Write(json, "head_dim", Find("attention.key_length"));
            Write(json, "num_local_experts", Find("expert_count"));
            Write(json, "num_experts_per_tok", Find("expert_used_count"));
            Write(json, "sliding_window", Find("attention.sliding_window"));
            Write(json, "max_position_embeddings", Find("context_length"));
            Write(json, "rms_norm_eps", Find("attention.layer_norm_rms_epsilon"));
            json.WriteBoolean("tie_word_embeddings", !tensors.ContainsKey("output.weight"));
            WriteRope(json);
            WriteQuantization(json);
            WriteOthers(json);
            json.WriteEndObject();
        }

        return JsonFile.Parse(buffer.WrittenMemory, path);
    }

    private void WriteRope(Utf8JsonWriter json)
    {
        json.WriteStartObject("rope_parameters");
        var type = Find("rope.scaling.type");
        var factor = Find("rope.scaling.factor");
        Write(json, "rope_type", type is "none" ? "default" : type ?? (factor is null ? "default" : "yarn"));
        Write(json, "rope_theta", Find("rope.freq_base"));
        if (factor is not null)
        {
            Write(json, "factor", factor);

            // llama.cpp and Ollama write no more than this; the rest is the official model's.
            Write(
                json, "original_max_position_embeddings",
                Find("rope.scaling.original_context_length") is long and > 0 and var length ? length : 4096L);
            Write(json, "beta_fast", Find("rope.scaling.yarn_beta_fast") ?? 32L);
            Write(json, "beta_slow", Find("rope.scaling.yarn_beta_slow") ?? 1L);
            json.WriteBoolean("truncate", false);
        }

        json.WriteEndObject();
    }

    private void WriteQuantization(Utf8JsonWriter json)
    {
        // Experts of other types, and mixed ones, are decoded.
        if (tensors.Values.Where(tensor => tensor.Name.EndsWith("_exps.weight", StringComparison.Ordinal))
            .All(tensor => tensor.Type.IsMxfp4()))
        {
            json.WriteStartObject("quantization_config");
            json.WriteString("quant_method", "mxfp4");
            json.WriteEndObject();
        }
    }

    private void WriteOthers(Utf8JsonWriter json)
    {
        var prefix = _architecture + ".";
        foreach (var key
            in metadata.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal) && !_used.Contains(key[prefix.Length..])))
        {
            json.WriteBoolean(key, true);
        }
    }

    private static void Write(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case long number:
                json.WriteNumber(name, number);
                break;
            case double number when double.IsFinite(number):
                json.WriteNumber(name, number);
                break;
            case null:
                break;
            default:
                json.WriteString(name, $"{value}");
                break;
        }
    }

    private void ExpectSame(string name, string other)
    {
        if (Find(name) is { } first && Find(other) is { } second && !Equals(first, second))
        {
            throw new CheckpointException(
                $"{_architecture}.{name} is {first}; expected {_architecture}.{other} = {second}.", path, tensor: null);
        }
    }

    private object? Find(string name)
    {
        _used.Add(name);
        return metadata.GetValueOrDefault($"{_architecture}.{name}");
    }

    private long? Dimension(string tensor, int index) =>
        tensors.TryGetValue(tensor, out var found) && index < found.Shape.Length ? found.Shape[index] : null;
}
