using System.Runtime.InteropServices;
using GptOss.Net.Checkpoint;
using GptOss.Net.Model;
using GptOss.Net.Quantization;

namespace GptOss.Net.TestUtils;

/// <summary>Says in GGUF what a checkpoint with MXFP4 experts says, as llama.cpp's converter does or as Ollama's first one did.</summary>
/// <param name="checkpoint">The checkpoint, in the layout of Hugging Face.</param>
/// <param name="config">Its config.</param>
internal sealed class GgufModel(SafetensorsCheckpoint checkpoint, ModelConfig config)
{
    private static readonly string[] Merges = ["a b"];

    /// <summary>Gets the type of the matrices that are not the experts'.</summary>
    public GgmlType Dense { get; init; } = GgmlType.BF16;

    /// <summary>Gets the type of the attention's output projection, whose rows may be longer.</summary>
    public GgmlType? AttentionOutput { get; init; }

    /// <summary>Gets the type of the experts; MXFP4 is copied as it is.</summary>
    public GgmlType Experts { get; init; } = GgmlType.Mxfp4;

    /// <summary>Gets a value indicating whether names and forms are those of Ollama's first converter.</summary>
    public bool IsOllama { get; init; }

    /// <summary>Gets a value indicating whether a vocabulary is written that llama.cpp accepts.</summary>
    public bool HasVocabulary { get; init; }

    public GgufWriter Write()
    {
        var writer = new GgufWriter();
        WriteMetadata(writer);
        Add(writer, "token_embd.weight", "model.embed_tokens.weight", Dense);
        Add(writer, "output_norm.weight", "model.norm.weight", GgmlType.F32);
        Add(writer, "output.weight", config.TieWordEmbeddings ? "model.embed_tokens.weight" : "lm_head.weight", Dense);
        for (var layer = 0; layer < config.LayerCount; layer++)
        {
            WriteLayer(writer, $"blk.{layer}", $"model.layers.{layer}");
        }

        return writer;
    }

    /// <summary>Encodes values as blocks whose bytes follow from the values, with scales that hold them; not the best encoding.</summary>
    public static byte[] Encode(GgmlType type, float[] values)
    {
        switch (type)
        {
            case GgmlType.F32:
                return MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
            case GgmlType.F16:
                return MemoryMarshal.AsBytes(Array.ConvertAll(values, value => (Half)value).AsSpan()).ToArray();
            case GgmlType.BF16:
                return MemoryMarshal.AsBytes(Array.ConvertAll(values, Bf16Format.FromSingle).AsSpan()).ToArray();
            default:
                var blocks = new byte[values.Length / type.BlockValues() * type.BlockBytes()];
                for (var i = 0; i < values.Length / type.BlockValues(); i++)
                {
                    GgmlBlockEncoder.Encode(
                        type, values.AsSpan(i * type.BlockValues(), type.BlockValues()),
                        blocks.AsSpan(i * type.BlockBytes(), type.BlockBytes()));
                }

                return blocks;
        }
    }

    private void WriteMetadata(GgufWriter writer)
    {
        var prefix = IsOllama ? "gptoss" : "gpt-oss";
        var metadata = writer.Metadata;
        metadata.AddRange(
        [
            ("general.architecture", prefix),
            ($"{prefix}.context_length", config.MaxPositions),
            ($"{prefix}.embedding_length", config.HiddenSize),
            ($"{prefix}.block_count", config.LayerCount),
            ($"{prefix}.attention.head_count", config.HeadCount),
            ($"{prefix}.attention.head_count_kv", config.KVHeadCount),
            ($"{prefix}.attention.key_length", config.HeadDim),
            ($"{prefix}.attention.value_length", config.HeadDim),
            ($"{prefix}.attention.layer_norm_rms_epsilon", (float)config.RmsNormEpsilon),
            ($"{prefix}.attention.sliding_window", config.SlidingWindow),
            ($"{prefix}.expert_count", config.ExpertCount),
            ($"{prefix}.expert_used_count", config.ExpertsPerToken),
            ($"{prefix}.rope.freq_base", (float)config.Rope.Theta),
            ($"{prefix}.rope.scaling.factor", (float)config.Rope.Factor),
            ($"{prefix}.rope.scaling.original_context_length", config.Rope.OriginalMaxPositions),
        ]);
        if (!IsOllama)
        {
            metadata.AddRange(
            [
                ($"{prefix}.feed_forward_length", config.IntermediateSize),
                ($"{prefix}.expert_feed_forward_length", config.IntermediateSize),
                ($"{prefix}.vocab_size", config.VocabularySize),
                ($"{prefix}.rope.scaling.type", "yarn"),
            ]);
        }

        if (HasVocabulary)
        {
            WriteVocabulary(metadata);
        }
    }

    /// <summary>One token for each byte, in GPT-2's spelling, and tokens that nothing encodes to.</summary>
    private void WriteVocabulary(List<(string Key, object Value)> metadata)
    {
        var tokens = Enumerable.Range(0, config.VocabularySize).Select(i => $"tok{i}").ToArray();
        var others = 0;
        for (var i = 0; i < 256; i++)
        {
            tokens[i] = ((char)(i is (>= 33 and < 127) or (>= 161 and < 173) or >= 174 ? i : 256 + others++)).ToString();
        }

        string[] controls =
            [
                "<|startoftext|>", "<|endoftext|>", "<|return|>", "<|constrain|>", "<|channel|>", "<|start|>", "<|end|>", "<|message|>",
                "<|call|>",
            ];
        var first = config.VocabularySize - controls.Length;
        controls.CopyTo(tokens, first);
        metadata.AddRange(
        [
            ("tokenizer.ggml.model", "gpt2"),
            ("tokenizer.ggml.pre", "gpt-4o"),
            ("tokenizer.ggml.tokens", tokens),
            ("tokenizer.ggml.token_type", Enumerable.Range(0, config.VocabularySize).Select(i => i >= first ? 3 : 1).ToArray()),
            ("tokenizer.ggml.merges", Merges),
            ("tokenizer.ggml.bos_token_id", first),
            ("tokenizer.ggml.eos_token_id", first + 2),
        ]);
    }

    private void WriteLayer(GgufWriter writer, string to, string from)
    {
        Add(writer, $"{to}.attn_norm.weight", $"{from}.input_layernorm.weight", GgmlType.F32);
        Add(
            writer, $"{to}.{(IsOllama ? "ffn_norm" : "post_attention_norm")}.weight", $"{from}.post_attention_layernorm.weight",
            GgmlType.F32);
        Add(writer, IsOllama ? $"{to}.attn_sinks" : $"{to}.attn_sinks.weight", $"{from}.self_attn.sinks", GgmlType.F32);
        foreach (var (part, dense) in new[] { ("weight", Dense), ("bias", GgmlType.F32) })
        {
            if (IsOllama)
            {
                AddJoined(writer, $"{to}.attn_qkv.{part}", dense, [.. "qkv".Select(name => $"{from}.self_attn.{name}_proj.{part}")]);
            }
            else
            {
                Add(writer, $"{to}.attn_q.{part}", $"{from}.self_attn.q_proj.{part}", dense);
                Add(writer, $"{to}.attn_k.{part}", $"{from}.self_attn.k_proj.{part}", dense);
                Add(writer, $"{to}.attn_v.{part}", $"{from}.self_attn.v_proj.{part}", dense);
            }

            var output = part is "weight" ? AttentionOutput ?? dense : dense;
            Add(writer, $"{to}.{(IsOllama ? "attn_out" : "attn_output")}.{part}", $"{from}.self_attn.o_proj.{part}", output);
            Add(writer, $"{to}.ffn_gate_inp.{part}", $"{from}.mlp.router.{part}", GgmlType.F32);
        }

        WriteExperts(writer, to, $"{from}.mlp.experts");
    }

    private void WriteExperts(GgufWriter writer, string to, string from)
    {
        var gateUpBias = Tensor($"{from}.gate_up_proj_bias");
        AddMxfp4(writer, $"{to}.ffn_down_exps.weight", $"{from}.down_proj", every: 1, first: 0);
        Add(writer, $"{to}.ffn_down_exps.bias", $"{from}.down_proj_bias", GgmlType.F32);
        if (IsOllama)
        {
            AddMxfp4(writer, $"{to}.ffn_gate_up_exps.weight", $"{from}.gate_up_proj", every: 1, first: 0);
            Add(writer, $"{to}.ffn_gate_up_exps.bias", $"{from}.gate_up_proj_bias", GgmlType.F32);
            return;
        }

        foreach (var (name, first) in new[] { ("gate", 0), ("up", 1) })
        {
            AddMxfp4(writer, $"{to}.ffn_{name}_exps.weight", $"{from}.gate_up_proj", every: 2, first);
            var bias = gateUpBias.ReadSingles().Where((_, i) => i % 2 == first).ToArray();
            Add(writer, $"{to}.ffn_{name}_exps.bias", GgmlType.F32, [config.ExpertCount, config.IntermediateSize], bias);
        }
    }

    private void AddMxfp4(GgufWriter writer, string to, string from, int every, int first)
    {
        var (blocks, scales) = (Bytes(Tensor($"{from}_blocks")), Bytes(Tensor($"{from}_scales")));
        var shape = Tensor($"{from}_scales").Shape;
        var (rowBlocks, rows) = ((int)shape[2], (int)(shape[0] * shape[1]));
        using var bytes = new MemoryStream();
        var values = new List<float>();
        Span<byte> halves = stackalloc byte[Mxfp4Format.BlockBytes];
        var decoded = new float[Mxfp4Format.GroupSize];
        for (var block = 0; block < rows * rowBlocks; block++)
        {
            if (block / rowBlocks % every == first)
            {
                var pairs = blocks.AsSpan(block * Mxfp4Format.BlockBytes, Mxfp4Format.BlockBytes);
                Mxfp4Format.Decode(pairs, scales.AsSpan(block, 1), decoded);
                values.AddRange(decoded);
                bytes.WriteByte(scales[block]);
                HalveNibbles(pairs, halves);
                bytes.Write(IsOllama ? pairs : halves);
            }
        }

        long[] stored = [shape[0], shape[1] / every, shape[2] * Mxfp4Format.GroupSize];
        if (Experts == GgmlType.Mxfp4)
        {
            writer.Tensors.Add((to, IsOllama ? GgmlType.OllamaMxfp4 : GgmlType.Mxfp4, stored, bytes.ToArray()));
        }
        else
        {
            Add(writer, to, Experts, stored, [.. values]);
        }
    }

    // Value i in the low nibble of byte i, value 16 + i in the high one.
    private static void HalveNibbles(ReadOnlySpan<byte> pairs, Span<byte> halves)
    {
        for (var i = 0; i < Mxfp4Format.BlockBytes; i++)
        {
            halves[i] = (byte)(Nibble(pairs, i) | (Nibble(pairs, i + Mxfp4Format.BlockBytes) << 4));
        }
    }

    private static int Nibble(ReadOnlySpan<byte> pairs, int value) => (pairs[value / 2] >> (4 * (value % 2))) & 0xF;

    private void AddJoined(GgufWriter writer, string to, GgmlType type, string[] from)
    {
        var parts = from.Select(Tensor).ToList();
        Add(
            writer, to, type, [parts.Sum(part => part.Shape[0]), .. parts[0].Shape[1..]],
            [.. parts.SelectMany(part => part.ReadSingles())]);
    }

    private void Add(GgufWriter writer, string to, string from, GgmlType type) =>
        Add(writer, to, type, [.. Tensor(from).Shape], Tensor(from).ReadSingles());

    private static void Add(GgufWriter writer, string to, GgmlType type, long[] shape, float[] values) =>
        writer.Tensors.Add((to, type, shape, Encode(type, values)));

    private CheckpointTensor Tensor(string name) => checkpoint.Tensors[name];

    private static byte[] Bytes(CheckpointTensor tensor)
    {
        var bytes = new byte[tensor.ByteLength];
        tensor.Read(0, bytes);
        return bytes;
    }
}
