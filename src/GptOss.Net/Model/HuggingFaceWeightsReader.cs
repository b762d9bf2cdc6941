namespace GptOss.Net.Model;

/// <summary>Maps the tensor names of Hugging Face transformers.</summary>
internal sealed class HuggingFaceWeightsReader(ModelConfig config, TensorLookup tensors)
{
    private const string UnembeddingName = "lm_head.weight";

    private readonly LinearReader _linears = new(config, tensors);
    private readonly FusedExpertsReader _fused = new(config, tensors);

    public ModelWeights Read()
    {
        var embedding = Dense("model.embed_tokens.weight");
        return new ModelWeights(
            embedding,
            [.. Enumerable.Range(0, config.LayerCount).Select(ReadLayer)],
            tensors.Values("model.norm.weight", config.HiddenSize),
            config.TieWordEmbeddings ? tensors.Tied(embedding, UnembeddingName) : Dense(UnembeddingName));
    }

    private DenseWeightSource Dense(string name) =>
        new(config.VocabularySize, config.HiddenSize, tensors.Values(name, config.VocabularySize, config.HiddenSize));

    private LayerWeights ReadLayer(int layer)
    {
        var block = $"model.layers.{layer}";
        var attention = $"{block}.self_attn";
        return new LayerWeights(
            tensors.Values($"{block}.input_layernorm.weight", config.HiddenSize),
            _linears.Read($"{attention}.q_proj", config.QuerySize, config.HiddenSize),
            _linears.Read($"{attention}.k_proj", config.KVSize, config.HiddenSize),
            _linears.Read($"{attention}.v_proj", config.KVSize, config.HiddenSize),
            _linears.Read($"{attention}.o_proj", config.HiddenSize, config.QuerySize),
            tensors.Values($"{attention}.sinks", config.HeadCount),
            tensors.Values($"{block}.post_attention_layernorm.weight", config.HiddenSize),
            _linears.ReadDense($"{block}.mlp.router", config.ExpertCount, config.HiddenSize),
            ReadExperts($"{block}.mlp.experts"));
    }

    /// <summary>The form is the one whose first tensor is there; where there is none, the one that the config suggests.</summary>
    private ExpertSource[] ReadExperts(string prefix)
    {
        if (tensors.Contains($"{prefix}.gate_up_proj_blocks"))
        {
            return ReadMxfp4(prefix);
        }

        if (tensors.Contains($"{prefix}.gate_up_proj"))
        {
            return ReadFusedDense(prefix);
        }

        foreach (var separator in "._")
        {
            if (tensors.Contains($"{prefix}.gate_up_proj{separator}qweight"))
            {
                return ReadFusedAwq(prefix, separator);
            }
        }

        return config.Quantization.Method switch
        {
            _ when tensors.Contains($"{prefix}.0.gate_proj.weight") => ReadSeparate(prefix),
            QuantizationMethod.Mxfp4 => ReadMxfp4(prefix),
            QuantizationMethod.Awq => ReadSeparate(prefix),
            _ => ReadFusedDense(prefix),
        };
    }

    private ExpertSource[] ReadMxfp4(string prefix) => FusedExpertsReader.Pair(
        _fused.ReadMxfp4($"{prefix}.gate_up_proj", '_', $"{prefix}.gate_up_proj_bias", 2 * config.IntermediateSize, config.HiddenSize),
        _fused.ReadMxfp4($"{prefix}.down_proj", '_', $"{prefix}.down_proj_bias", config.HiddenSize, config.IntermediateSize));

    private ExpertSource[] ReadFusedDense(string prefix) => FusedExpertsReader.Pair(
        _fused.ReadDense(
            $"{prefix}.gate_up_proj", $"{prefix}.gate_up_proj_bias", 2 * config.IntermediateSize, config.HiddenSize, isTransposed: true),
        _fused.ReadDense(
            $"{prefix}.down_proj", $"{prefix}.down_proj_bias", config.HiddenSize, config.IntermediateSize, isTransposed: true));

    private ExpertSource[] ReadFusedAwq(string prefix, char separator) => FusedExpertsReader.Pair(
        _fused.ReadAwq($"{prefix}.gate_up_proj", separator, 2 * config.IntermediateSize, config.HiddenSize),
        _fused.ReadAwq($"{prefix}.down_proj", separator, config.HiddenSize, config.IntermediateSize));

    private ExpertSource[] ReadSeparate(string prefix) =>
    [
        .. Enumerable.Range(0, config.ExpertCount).Select(expert => new ExpertSource(
            GateUp: null,
            _linears.Read($"{prefix}.{expert}.gate_proj", config.IntermediateSize, config.HiddenSize),
            _linears.Read($"{prefix}.{expert}.up_proj", config.IntermediateSize, config.HiddenSize),
            _linears.Read($"{prefix}.{expert}.down_proj", config.HiddenSize, config.IntermediateSize))),
    ];
}
