using System.Collections.Immutable;
using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model;

/// <summary>
/// Reads config.json, an untrusted input: Hugging Face's, in the spelling of transformers 4 (<c>rope_scaling</c>) or 5
/// (<c>rope_parameters</c>), or that of the <c>original</c> layout. Where a file spells a field in two ways, both must agree.
/// </summary>
internal static class ModelConfigReader
{
    private const int MaxSize = 1 << 20;
    private const int MaxExperts = 1024;
    private const int MaxLayers = 256;
    private const int MaxPositions = 1 << 24;

    public static ModelConfig Read(string path)
    {
        using var document = JsonFile.Read(path);
        return Read(new ConfigSection(document.RootElement, path));
    }

    /// <summary>Reads the config of a checkpoint.</summary>
    public static ModelConfig Read(ICheckpoint checkpoint)
    {
        using var document = checkpoint.ReadConfig();
        return Read(new ConfigSection(document.RootElement, checkpoint.ConfigPath));
    }

    /// <summary>Reads a config that is in memory.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="path">The file it comes from, for messages.</param>
    public static ModelConfig Parse(ReadOnlyMemory<byte> json, string path)
    {
        using var document = JsonFile.Parse(json, path);
        return Read(new ConfigSection(document.RootElement, path));
    }

    private static ModelConfig Read(ConfigSection section)
    {
        // OpenAI's own code names no model type, ties nothing, fixes epsilon, and stores experts as MXFP4.
        var isOriginal = !section.Has("model_type") && section.Has("rope_scaling_factor");
        CheckArchitecture(section);
        var rope = RopeConfigReader.Read(section);
        var config = new ModelConfig
        {
            HiddenSize = section.Int32("hidden_size", 1, MaxSize),
            IntermediateSize = section.Int32("intermediate_size", 1, MaxSize),
            HeadCount = section.Int32("num_attention_heads", 1, MaxSize),
            KVHeadCount = section.Int32("num_key_value_heads", 1, MaxSize),
            HeadDim = section.Int32("head_dim", 2, MaxSize),
            ExpertCount = section.Int32(section.Spelling("num_local_experts", "num_experts"), 1, MaxExperts),
            ExpertsPerToken = section.Int32(section.Spelling("num_experts_per_tok", "experts_per_token"), 1, MaxExperts),
            VocabularySize = section.Int32("vocab_size", 1, MaxPositions),
            SlidingWindow = section.Int32("sliding_window", 1, MaxPositions),
            LayerKinds = ReadLayerKinds(section),
            MaxPositions = isOriginal && !section.Has("max_position_embeddings")
                ? (int)Math.Min(MaxPositions, rope.OriginalMaxPositions * rope.Factor)
                : section.Int32("max_position_embeddings", 1, MaxPositions),
            Rope = rope,
            RmsNormEpsilon = section.Double("rms_norm_eps", double.Epsilon, 1, 1e-5),
            SwiGluLimit = section.Double("swiglu_limit", double.Epsilon, 1e6, 7.0),
            TieWordEmbeddings = section.Boolean("tie_word_embeddings", false),
            Quantization = QuantizationConfigReader.Read(section, absent: isOriginal ? QuantizationConfig.Mxfp4 : QuantizationConfig.None),
        };
        Check(config, section);
        return config with { UnknownKeys = ConfigKeys.Unknown(section) };
    }

    private static void CheckArchitecture(ConfigSection section)
    {
        const string Architecture = "GptOssForCausalLM";
        if (section.Has("model_type"))
        {
            section.Expect("model_type", "gpt_oss");
        }
        else if (section.Strings("architectures", largestCount: 16) is { Count: > 0 } names
            && !names.Contains(Architecture, StringComparer.Ordinal))
        {
            throw section.Invalid("architectures", $"'{names[0]}'", $"'{Architecture}'");
        }

        ConfigKeys.CheckFixed(section);
    }

    private static ImmutableArray<AttentionKind> ReadLayerKinds(ConfigSection section)
    {
        var count = section.Int32("num_hidden_layers", 1, MaxLayers);
        if (section.Strings("layer_types", MaxLayers) is not { } names)
        {
            return [.. Enumerable.Range(0, count).Select(layer => layer % 2 == 0 ? AttentionKind.Sliding : AttentionKind.Full)];
        }

        var kinds = names.Select(name => name switch
        {
            "sliding_attention" => AttentionKind.Sliding,
            "full_attention" => AttentionKind.Full,
            _ => throw section.Invalid("layer_types", $"'{name}'", "'sliding_attention' or 'full_attention'"),
        }).ToImmutableArray();
        return kinds.Length == count
            ? kinds
            : throw section.Invalid("layer_types", $"{kinds.Length} entries", $"num_hidden_layers = {count} of them");
    }

    private static void Check(ModelConfig config, ConfigSection section)
    {
        if (config.HeadCount % config.KVHeadCount != 0)
        {
            throw section.Invalid(
                "num_key_value_heads", $"{config.KVHeadCount}", $"a divisor of num_attention_heads = {config.HeadCount}");
        }

        if (config.HeadDim % 2 != 0)
        {
            throw section.Invalid("head_dim", $"{config.HeadDim}", "an even number");
        }

        if ((long)config.HeadCount * config.HeadDim > MaxSize)
        {
            throw section.Invalid(
                "num_attention_heads", $"{config.HeadCount}", $"at most {MaxSize} values in all heads of head_dim = {config.HeadDim}");
        }

        if (config.ExpertsPerToken > config.ExpertCount)
        {
            throw section.Invalid(
                "the number of experts per token", $"{config.ExpertsPerToken}", $"at most the {config.ExpertCount} experts there are");
        }

        CheckGroups(config, section);
    }

    private static void CheckGroups(ModelConfig config, ConfigSection section)
    {
        if (config.Quantization.Method == QuantizationMethod.None)
        {
            return;
        }

        var group = config.Quantization.GroupSize;
        foreach (var (name, size) in new[] { ("hidden_size", config.HiddenSize), ("intermediate_size", config.IntermediateSize) })
        {
            if (size % group != 0)
            {
                throw section.Invalid(name, $"{size}", $"a multiple of {group}, the group size of {config.Quantization.Method}");
            }
        }
    }
}
