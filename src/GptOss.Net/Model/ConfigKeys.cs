namespace GptOss.Net.Model;

/// <summary>
/// The keys of config.json that nothing reads: some must have the value that this library computes with, some mean nothing to it, and
/// any other is told by name.
/// </summary>
internal static class ConfigKeys
{
    // What another value would change in the arithmetic, with the only one that there is code for.
    private static readonly Dictionary<string, object?> Fixed = new(StringComparer.Ordinal)
    {
        ["hidden_act"] = "silu",
        ["attention_bias"] = true,
        ["mlp_bias"] = true,
        ["lm_head_bias"] = false,
        ["swiglu_alpha"] = 1.702,
        ["partial_rotary_factor"] = 1.0,
        ["rope_interleaved"] = false,
        ["use_sliding_window"] = true,
        ["use_qk_norm"] = false,
        ["qk_norm"] = false,
        ["attn_logit_softcapping"] = null,
        ["final_logit_softcapping"] = null,
        ["logit_scale"] = 1.0,
        ["logits_scaling"] = 1.0,
        ["embedding_multiplier"] = 1.0,
        ["residual_multiplier"] = 1.0,
        ["norm_topk_prob"] = true,
        ["scoring_func"] = "softmax",
        ["routed_scaling_factor"] = 1.0,
        ["n_shared_experts"] = 0.0,
        ["num_shared_experts"] = 0.0,
        ["first_k_dense_replace"] = 0.0,
    };

    // What transformers and the common trainers write beside the architecture.
    private static readonly HashSet<string> Meaningless = new(StringComparer.Ordinal)
    {
        "architectures", "attention_dropout", "initializer_range", "output_router_logits", "router_aux_loss_coef", "use_cache",
        "bos_token_id", "eos_token_id", "pad_token_id", "sep_token_id", "decoder_start_token_id", "max_length", "do_sample",
        "transformers_version", "dtype", "torch_dtype", "_name_or_path", "name_or_path", "model_name", "tokenizer_class", "auto_map",
        "_attn_implementation", "_attn_implementation_autoset", "attn_implementation", "_experts_implementation", "experts_implementation",
        "chunk_size_feed_forward", "return_dict", "output_attentions", "output_hidden_states", "torchscript", "is_encoder_decoder",
        "is_decoder",
        "id2label", "label2id", "problem_type", "finetuning_task", "task_specific_params", "initial_context_length", "unsloth_fixed",
        "unsloth_version",
        "quantization_config.modules_to_not_convert", "quantization_config.dequantize", "quantization_config.backend",
        "quantization_config.do_fuse", "quantization_config.modules_to_fuse", "quantization_config.fuse_max_seq_len",
        "quantization_config.exllama_config",
    };

    /// <summary>Refuses a key whose value asks for other arithmetic.</summary>
    public static void CheckFixed(ConfigSection section)
    {
        foreach (var (name, value) in Fixed)
        {
            section.ExpectValue(name, value);
        }
    }

    /// <summary>The keys that were not read and are not known to mean nothing, sorted.</summary>
    public static IReadOnlyList<string> Unknown(ConfigSection section) => [.. section.Unread().Where(name => !Meaningless.Contains(name))];
}
