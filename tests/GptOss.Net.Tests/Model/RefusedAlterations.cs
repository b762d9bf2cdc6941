using System.Text.Json.Nodes;
using GptOss.Net.Checkpoint;

namespace GptOss.Net.Tests.Model;

/// <summary>Changes after which a checkpoint stands for nothing, for something else, or for two things at once.</summary>
internal static class RefusedAlterations
{
    private static readonly (string Key, JsonNode Value)[] WrongKeys =
    [
        ("hidden_size", -1), ("hidden_size", 97), ("vocab_size", 0), ("head_dim", 31), ("num_key_value_heads", 3),
        ("num_experts_per_tok", 99),
        ("layer_types", new JsonArray("full_attention")), ("sliding_window", "16"), ("rms_norm_eps", -1e-5), ("model_type", "llama"),
        ("hidden_act", "gelu"), ("swiglu_alpha", 1.5), ("partial_rotary_factor", 0.25), ("attention_bias", false),
        ("use_sliding_window", false), ("routed_scaling_factor", 2.5), ("final_logit_softcapping", 30), ("experts_per_token", 1),
        ("num_experts", 77), ("tie_word_embeddings", "yes"), ("num_hidden_layers", 1000), ("max_position_embeddings", 0),
    ];

    private static readonly (string Key, JsonNode? Value)[] WrongRope =
    [
        ("factor", 0.5), ("factor", null), ("rope_type", "llama3"), ("beta_fast", 0.5), ("attention_factor", 1.2), ("mscale", 1),
        ("low_freq_factor", 1), ("partial_rotary_factor", 0.5), ("original_max_position_embeddings", 0), ("type", "linear"),
    ];

    public static IReadOnlyList<Alteration> All { get; } =
    [
        new("not finite", Any, PutNotFinite),
        new("MXFP4 scale of NaN", draft => Named(draft, "scales", TensorType.U8).Length > 0, (draft, random) =>
        {
            var name = One(Named(draft, "scales", TensorType.U8), random);
            draft.Tensors[name].Values[random.Next(draft.Tensors[name].Values.Length)] = byte.MaxValue;
            return name;
        }),
        new("a tensor missing", Any, (draft, random) =>
        {
            var name = One(draft, random);
            draft.Tensors.Remove(name);

            // Without one of its tensors a matrix may be taken for another form: then those of that form are missing.
            return name[..(name.IndexOf("experts", StringComparison.Ordinal) is > 0 and var end ? end : name.LastIndexOf('.'))];
        }),
        new("a tensor more", Any, (draft, random) =>
        {
            var name = $"model.layers.{random.Next(9)}.adapter.weight";
            draft.Tensors.Fill(name, TensorType.F32, random.Next(1, 8));
            return name;
        }),
        new("another prefix", Any, (draft, _) =>
        {
            draft.Tensors.Keys.ToList().ForEach(name => draft.Tensors.Rename(name, "base_model.model." + name));
            return "base_model.model.";
        }),
        new("another shape", Any, (draft, random) =>
        {
            var name = One(draft, random);
            var (type, shape, values) = draft.Tensors[name];
            draft.Tensors[name] = (type, [.. shape, 1], values);
            return name;
        }),
        new("another type", Any, (draft, random) =>
        {
            var name = One(draft, random);
            var (type, shape, values) = draft.Tensors[name];
            draft.Tensors[name] = (Other(type), shape, values);
            return name;
        }),
        new("a wrong key", Any, (draft, random) =>
        {
            var (key, value) = One(WrongKeys, random);
            draft.Config[key] = value.DeepClone();
            return key == "num_experts_per_tok" ? "experts per token" : key;
        }),
        new("a wrong key of rope", draft => draft.Config.ContainsKey("rope_parameters"), (draft, random) =>
        {
            var (key, value) = One(WrongRope, random);
            draft.Config["rope_parameters"]![key] = value?.DeepClone();
            return key is "beta_fast" ? "beta of fast" : key;
        }),
        new("two thetas", draft => draft.Config.ContainsKey("rope_parameters"), (draft, _) =>
        {
            draft.Config["rope_theta"] = 10_000;
            draft.Config["rope_parameters"]!["rope_theta"] = 150_000;
            return "rope_theta";
        }),
        new("tied to other values", draft => draft.Tensors.ContainsKey("lm_head.weight"), (draft, _) =>
        {
            draft.Config["tie_word_embeddings"] = true;
            return "lm_head.weight";
        }),
        new("another quantization", draft => draft.Config["quantization_config"] is not null, (draft, random) =>
        {
            var (key, value) = One([("quant_method", "hqq"), ("quant_method", "bitsandbytes"), ("quant_method", "")], random);
            draft.Config["quantization_config"]![key] = value;
            return key;
        }),
        new("another group size", draft => draft.AwqMatrices().Length > 0, (draft, random) =>
        {
            draft.Config["quantization_config"]!["group_size"] = One([16, 64, 128, 0], random);
            return "";
        }),
    ];

    private static bool Any(CheckpointDraft draft) => true;

    private static string? PutNotFinite(CheckpointDraft draft, Random random)
    {
        var name = One([.. draft.Tensors.Keys.Where(name => draft.Tensors[name].Type is TensorType.BF16 or TensorType.F16 or TensorType.F32)
            .Order(StringComparer.Ordinal)], random);
        var (type, _, values) = draft.Tensors[name];

        // All bits of the exponent; of the fraction and the sign, any.
        var (size, exponent) = (type.Size(), type == TensorType.F16 ? 0x7C00 : 0x7F80);
        var upper = (ushort)(exponent | random.Next(1 << 16));
        BitConverter.TryWriteBytes(values.AsSpan((random.Next(values.Length / size) * size) + size - 2), upper);
        return name;
    }

    private static TensorType Other(TensorType type) => type switch
    {
        TensorType.U8 => TensorType.I8,
        TensorType.I32 => TensorType.F32,
        TensorType.F32 => TensorType.U32,
        _ => TensorType.I16,
    };

    private static string[] Named(CheckpointDraft draft, string ending, TensorType type) =>
    [
        .. draft.Tensors.Where(tensor => tensor.Value.Type == type && tensor.Key.EndsWith(ending, StringComparison.Ordinal))
            .Select(tensor => tensor.Key).Order(StringComparer.Ordinal),
    ];

    private static string One(CheckpointDraft draft, Random random) => One([.. draft.Tensors.Keys.Order(StringComparer.Ordinal)], random);

    private static T One<T>(T[] all, Random random) => all[random.Next(all.Length)];
}
