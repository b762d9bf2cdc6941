using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GptOss.Net.TestUtils;

/// <summary>A checkpoint of the shapes of gpt-oss-20b in which names and shapes are real and the values are a hole in the file.</summary>
internal static class SparseCheckpoint
{
    private const int Hidden = 2_880;

    /// <summary>Writes it; gives the folder.</summary>
    /// <param name="folder">Where.</param>
    /// <param name="layers">How many layers.</param>
    /// <param name="experts">How many experts each has.</param>
    /// <param name="vocabulary">How many tokens there are.</param>
    public static string Write(string folder, int layers = 24, int experts = 32, int vocabulary = 201_088)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), Config(layers, experts, vocabulary));
        var header = new JsonObject();
        var end = 0L;
        foreach (var (name, type, shape) in Tensors(layers, experts, vocabulary))
        {
            var begin = end;
            end += shape.Aggregate(type == "BF16" ? 2L : 1L, (bytes, length) => bytes * length);
            header[name] = new JsonObject
            {
                ["dtype"] = type,
                ["shape"] = new JsonArray([.. shape.Select(length => (JsonNode)length)]),
                ["data_offsets"] = new JsonArray(begin, end),
            };
        }

        var text = JsonSerializer.SerializeToUtf8Bytes(header);
        var length = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        using var file = File.Create(Path.Combine(folder, "model.safetensors"));
        file.Write(length);
        file.Write(text);
        file.SetLength(file.Length + end);
        return folder;
    }

    private static IEnumerable<(string Name, string Type, int[] Shape)> Tensors(int layers, int experts, int vocabulary)
    {
        yield return ("model.embed_tokens.weight", "BF16", [vocabulary, Hidden]);
        yield return ("lm_head.weight", "BF16", [vocabulary, Hidden]);
        yield return ("model.norm.weight", "BF16", [Hidden]);
        foreach (var prefix in Enumerable.Range(0, layers).Select(layer => $"model.layers.{layer}."))
        {
            yield return (prefix + "input_layernorm.weight", "BF16", [Hidden]);
            yield return (prefix + "post_attention_layernorm.weight", "BF16", [Hidden]);
            yield return (prefix + "self_attn.sinks", "BF16", [64]);
            foreach (var (part, rows, columns)
                in new[] { ("q", 4_096, Hidden), ("k", 512, Hidden), ("v", 512, Hidden), ("o", Hidden, 4_096) })
            {
                yield return ($"{prefix}self_attn.{part}_proj.weight", "BF16", [rows, columns]);
                yield return ($"{prefix}self_attn.{part}_proj.bias", "BF16", [rows]);
            }

            yield return (prefix + "mlp.router.weight", "BF16", [experts, Hidden]);
            yield return (prefix + "mlp.router.bias", "BF16", [experts]);
            foreach (var (part, rows) in new[] { ("gate_up", 2 * Hidden), ("down", Hidden) })
            {
                yield return ($"{prefix}mlp.experts.{part}_proj_blocks", "U8", [experts, rows, Hidden / 32, 16]);
                yield return ($"{prefix}mlp.experts.{part}_proj_scales", "U8", [experts, rows, Hidden / 32]);
                yield return ($"{prefix}mlp.experts.{part}_proj_bias", "BF16", [experts, rows]);
            }
        }
    }

    private static string Config(int layers, int experts, int vocabulary) => new JsonObject
    {
        ["model_type"] = "gpt_oss",
        ["num_hidden_layers"] = layers,
        ["layer_types"] = new JsonArray([.. Enumerable.Range(0, layers)
            .Select(layer => (JsonNode)(layer % 2 == 0 ? "sliding_attention" : "full_attention"))]),
        ["attention_bias"] = true,
        ["head_dim"] = 64,
        ["hidden_size"] = Hidden,
        ["intermediate_size"] = Hidden,
        ["initial_context_length"] = 4_096,
        ["max_position_embeddings"] = 131_072,
        ["num_attention_heads"] = 64,
        ["num_key_value_heads"] = 8,
        ["num_experts_per_tok"] = 4,
        ["experts_per_token"] = 4,
        ["num_local_experts"] = experts,
        ["rms_norm_eps"] = 1e-5,
        ["rope_theta"] = 150_000,
        ["rope_scaling"] = new JsonObject
        {
            ["rope_type"] = "yarn",
            ["factor"] = 32.0,
            ["beta_fast"] = 32.0,
            ["beta_slow"] = 1.0,
            ["original_max_position_embeddings"] = 4_096,
            ["truncate"] = false,
        },
        ["quantization_config"] = new JsonObject { ["quant_method"] = "mxfp4" },
        ["sliding_window"] = 128,
        ["swiglu_limit"] = 7.0,
        ["tie_word_embeddings"] = false,
        ["vocab_size"] = vocabulary,
    }.ToJsonString();
}
