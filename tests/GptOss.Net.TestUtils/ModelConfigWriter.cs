using System.Buffers;
using System.Text.Json;
using GptOss.Net.Model;

namespace GptOss.Net.TestUtils;

/// <summary>Writes config.json in the spelling of transformers 5.</summary>
internal static class ModelConfigWriter
{
    public static byte[] Write(ModelConfig config)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            WriteArchitecture(json, config);
            WriteRope(json, config.Rope);
            WriteQuantization(json, config.Quantization);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteArchitecture(Utf8JsonWriter json, ModelConfig config)
    {
        json.WriteStartArray("architectures");
        json.WriteStringValue("GptOssForCausalLM");
        json.WriteEndArray();
        json.WriteString("model_type", "gpt_oss");
        json.WriteString("hidden_act", "silu");
        json.WriteBoolean("attention_bias", true);
        json.WriteNumber("hidden_size", config.HiddenSize);
        json.WriteNumber("intermediate_size", config.IntermediateSize);
        json.WriteNumber("num_attention_heads", config.HeadCount);
        json.WriteNumber("num_key_value_heads", config.KVHeadCount);
        json.WriteNumber("head_dim", config.HeadDim);
        json.WriteNumber("num_local_experts", config.ExpertCount);
        json.WriteNumber("num_experts_per_tok", config.ExpertsPerToken);
        json.WriteNumber("vocab_size", config.VocabularySize);
        json.WriteNumber("sliding_window", config.SlidingWindow);
        json.WriteNumber("max_position_embeddings", config.MaxPositions);
        json.WriteNumber("rms_norm_eps", config.RmsNormEpsilon);
        json.WriteNumber("swiglu_limit", config.SwiGluLimit);
        json.WriteBoolean("tie_word_embeddings", config.TieWordEmbeddings);
        json.WriteNumber("num_hidden_layers", config.LayerCount);
        json.WriteStartArray("layer_types");
        foreach (var kind in config.LayerKinds)
        {
            json.WriteStringValue(kind == AttentionKind.Sliding ? "sliding_attention" : "full_attention");
        }

        json.WriteEndArray();
    }

    private static void WriteRope(Utf8JsonWriter json, YarnParameters rope)
    {
        json.WriteStartObject("rope_parameters");
        json.WriteString("rope_type", "yarn");
        json.WriteNumber("rope_theta", rope.Theta);
        json.WriteNumber("factor", rope.Factor);
        json.WriteNumber("beta_fast", rope.BetaFast);
        json.WriteNumber("beta_slow", rope.BetaSlow);
        json.WriteNumber("original_max_position_embeddings", rope.OriginalMaxPositions);
        json.WriteBoolean("truncate", rope.Truncate);
        json.WriteEndObject();
    }

    private static void WriteQuantization(Utf8JsonWriter json, QuantizationConfig quantization)
    {
        if (quantization.Method == QuantizationMethod.None)
        {
            return;
        }

        json.WriteStartObject("quantization_config");
        json.WriteString("quant_method", quantization.Method == QuantizationMethod.Awq ? "awq" : "mxfp4");
        if (quantization.Method == QuantizationMethod.Awq)
        {
            json.WriteNumber("bits", 4);
            json.WriteString("version", "gemm");
            json.WriteNumber("group_size", quantization.GroupSize);
            json.WriteBoolean("zero_point", true);
        }

        json.WriteEndObject();
    }
}
