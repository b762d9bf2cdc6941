using System.Text.Json.Nodes;
using GptOss.Net.Checkpoint;

namespace GptOss.Net.Tests.Model;

/// <summary>Changes after which a checkpoint stands for the same model.</summary>
internal static class EqualAlterations
{
    private static readonly (string Key, JsonNode? Value)[] NeutralKeys =
    [
        ("swiglu_alpha", 1.702), ("partial_rotary_factor", 1.0), ("final_logit_softcapping", null), ("torch_dtype", "bfloat16"),
        ("unsloth_fixed", true), ("max_position_embeddings", 5000), ("experts_implementation", "eager"), ("norm_topk_prob", true),
    ];

    private static readonly string[] OptionalKeys =
        ["layer_types", "model_type", "hidden_act", "attention_bias", "swiglu_limit", "rms_norm_eps", "tie_word_embeddings", "use_cache"];

    public static IReadOnlyList<Alteration> All { get; } =
    [
        new("AWQ turned upside down", IsAwq, (draft, random) => Each(Some(draft.AwqMatrices(), random), draft.NegateAwq)),
        new("AWQ expanded", IsAwq, (draft, random) => Each(Some(draft.AwqMatrices(), random), draft.ExpandAwq)),
        new("MXFP4 expanded", IsHuggingFaceMxfp4, (draft, random) =>
        {
            // A form of the experts is that of all matrices of a layer.
            foreach (var layer
                in Some([.. draft.Mxfp4Matrices().Select(name => name[..name.LastIndexOf('.')]).Distinct(StringComparer.Ordinal)], random))
            {
                draft.ExpandMxfp4($"{layer}.gate_up_proj");
                draft.ExpandMxfp4($"{layer}.down_proj");
            }

            return null;
        }),
        new("negative zeros", HasBlocks, FlipZeros),
        new("BF16 as F32", Any, (draft, random) => Each(Some(Bf16(draft), random), draft.Widen)),
        new("experts in another order", IsHuggingFaceMxfp4, PermuteExperts),
        new("norm twice, projections half", IsHuggingFaceMxfp4, ScaleNorm),
        new(
            "original names",
            draft => draft.Fixture == "a" && IsHuggingFaceMxfp4(draft) && draft.Mxfp4Matrices().Length == 8 && QkvTypesAgree(draft),
            (draft, _) =>
            {
                draft.Tensors.UseOriginalNames(layers: 4);
                return null;
            }),
        new("older rope", HasRopeParameters, (draft, random) => SpellRope(draft, random.Next(3))),
        new("neutral keys", Any, (draft, random) =>
        {
            foreach (var (key, value) in Some(NeutralKeys, random))
            {
                draft.Config[key] = value?.DeepClone();
            }

            return null;
        }),
        new("optional keys absent", Any, (draft, random) => Each(Some(OptionalKeys, random), key => draft.Config.Remove(key))),
        new("more vocabulary", IsHuggingFace, PadVocabulary),
    ];

    private static bool Any(CheckpointDraft draft) => true;

    private static bool IsAwq(CheckpointDraft draft) => draft.AwqMatrices().Length > 0;

    private static bool HasBlocks(CheckpointDraft draft) => draft.Mxfp4Matrices().Length > 0;

    private static bool IsHuggingFace(CheckpointDraft draft) => draft.Tensors.ContainsKey("lm_head.weight");

    private static bool IsHuggingFaceMxfp4(CheckpointDraft draft) => HasBlocks(draft) && IsHuggingFace(draft);

    private static bool HasRopeParameters(CheckpointDraft draft) =>
        draft.Config.ContainsKey("rope_parameters") && !draft.Config.ContainsKey("rope_scaling");

    private static bool QkvTypesAgree(CheckpointDraft draft) => draft.Tensors
        .Where(
            tensor => tensor.Key.Contains("self_attn.", StringComparison.Ordinal)
                && tensor.Key.Contains("_proj.", StringComparison.Ordinal))
        .All(tensor => tensor.Value.Type == TensorType.BF16);

    private static string? FlipZeros(CheckpointDraft draft, Random random)
    {
        var name = draft.Mxfp4Matrices()[random.Next(draft.Mxfp4Matrices().Length)];
        foreach (ref var pair in draft.Values<byte>($"{name}_blocks"))
        {
            // Nibble 0 is 0, nibble 8 is −0.
            pair ^= (byte)(((pair & 0x07) == 0 ? 0x08 : 0) | ((pair & 0x70) == 0 ? 0x80 : 0));
        }

        return null;
    }

    private static string? PermuteExperts(CheckpointDraft draft, Random random)
    {
        var prefix = $"model.layers.{random.Next(3)}.mlp.";
        var order = Enumerable.Range(0, (int)draft.Tensors[$"{prefix}router.bias"].Shape[0]).ToArray();
        random.Shuffle(order);
        return Each(
            draft.Tensors.Keys.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)), name => draft.Permute(name, order));
    }

    private static string? ScaleNorm(CheckpointDraft draft, Random random)
    {
        var layer = $"model.layers.{random.Next(3)}";
        string[] halved = [.. "qkv".Select(c => $"{layer}.self_attn.{c}_proj.weight")];
        string[] all = [$"{layer}.input_layernorm.weight", .. halved];
        if (all.All(name => draft.Tensors[name].Type == TensorType.BF16))
        {
            draft.Scale(all[0], 2);
            Array.ForEach(halved, name => draft.Scale(name, 0.5f));
        }

        return null;
    }

    private static string? SpellRope(CheckpointDraft draft, int spelling)
    {
        var rope = draft.Config["rope_parameters"]!.DeepClone().AsObject();
        draft.Config["rope_theta"] = 150_000;
        if (spelling > 0)
        {
            rope.Remove("rope_theta");
            draft.Config["rope_scaling"] = rope;
        }

        if (spelling == 2)
        {
            draft.Config.Remove("rope_parameters");
        }

        return null;
    }

    private static string? PadVocabulary(CheckpointDraft draft, Random random)
    {
        var rows = random.Next(1, 40);
        draft.Config["vocab_size"] = draft.Config["vocab_size"]!.GetValue<int>() + rows;
        return Each(["model.embed_tokens.weight", "lm_head.weight"], name =>
        {
            var (type, shape, values) = draft.Tensors[name];
            draft.Tensors[name] = (type, [shape[0] + rows, shape[1]], [.. values, .. new byte[rows * shape[1] * type.Size()]]);
        });
    }

    private static string[] Bf16(CheckpointDraft draft) =>
        [.. draft.Tensors.Where(tensor => tensor.Value.Type == TensorType.BF16).Select(tensor => tensor.Key).Order(StringComparer.Ordinal)];

    private static T[] Some<T>(T[] all, Random random) => [.. all.Where(_ => random.Next(3) == 0)];

    private static string? Each<T>(IEnumerable<T> all, Action<T> change)
    {
        foreach (var one in all.ToList())
        {
            change(one);
        }

        return null;
    }

    private static string? Each<T, TResult>(IEnumerable<T> all, Func<T, TResult> change) => Each(all, one => { change(one); });
}
