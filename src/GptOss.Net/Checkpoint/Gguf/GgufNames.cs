using GptOss.Net.Quantization;

namespace GptOss.Net.Checkpoint.Gguf;

/// <summary>
/// Gives the tensors of a GGUF file the names and forms of Hugging Face: llama.cpp's converter splits what is fused there, and Ollama's
/// fuses what is apart. What has no place is given under its own name, so that it is told as unknown.
/// </summary>
internal sealed class GgufNames
{
    private readonly Dictionary<string, GgufTensor> _stored;
    private readonly Dictionary<string, CheckpointTensor> _tensors = new(StringComparer.Ordinal);

    private GgufNames(IEnumerable<GgufTensor> stored) => _stored = stored.ToDictionary(tensor => tensor.Name, StringComparer.Ordinal);

    /// <summary>Names the tensors.</summary>
    /// <param name="stored">All tensors of the model.</param>
    /// <param name="layers">How many layers there are.</param>
    /// <param name="queryShare">Which part of the rows of a fused query, key and value are the query's: heads and heads of keys.</param>
    public static IReadOnlyDictionary<string, CheckpointTensor> Map(
        IEnumerable<GgufTensor> stored, long layers, (long Heads, long KVHeads) queryShare)
    {
        var names = new GgufNames(stored);
        names.AddValues("model.embed_tokens.weight", asHalves: true, "token_embd.weight");
        names.AddValues("lm_head.weight", asHalves: false, "output.weight");
        names.AddValues("model.norm.weight", asHalves: false, "output_norm.weight");
        for (var layer = 0L; layer < layers; layer++)
        {
            names.AddLayer($"blk.{layer}", $"model.layers.{layer}", queryShare);
        }

        foreach (var (name, tensor) in names._stored)
        {
            names._tensors.TryAdd(name, tensor.Values(name));
        }

        return names._tensors;
    }

    private void AddLayer(string from, string to, (long Heads, long KVHeads) queryShare)
    {
        var (attention, mlp) = ($"{to}.self_attn", $"{to}.mlp");
        Add($"{to}.input_layernorm.weight", $"{from}.attn_norm.weight");
        Add($"{to}.post_attention_layernorm.weight", $"{from}.post_attention_norm.weight", $"{from}.ffn_norm.weight");
        Add($"{attention}.sinks", $"{from}.attn_sinks.weight", $"{from}.attn_sinks");
        foreach (var part in new[] { "weight", "bias" })
        {
            Add($"{attention}.q_proj.{part}", $"{from}.attn_q.{part}");
            Add($"{attention}.k_proj.{part}", $"{from}.attn_k.{part}");
            Add($"{attention}.v_proj.{part}", $"{from}.attn_v.{part}");
            Add($"{attention}.o_proj.{part}", $"{from}.attn_output.{part}", $"{from}.attn_out.{part}");
            Add($"{mlp}.router.{part}", $"{from}.ffn_gate_inp.{part}");
            SplitQuery($"{from}.attn_qkv.{part}", attention, part, queryShare);
        }

        AddExperts(from, $"{mlp}.experts");
    }

    private void Add(string name, params ReadOnlySpan<string> from) => AddValues(name, asHalves: false, from);

    private void AddValues(string name, bool asHalves, params ReadOnlySpan<string> from)
    {
        foreach (var candidate in from)
        {
            if (_stored.Remove(candidate, out var tensor))
            {
                _tensors.TryAdd(name, tensor.Values(name, asHalves));
                return;
            }
        }
    }

    /// <summary>Ollama keeps query, key and value in one matrix.</summary>
    private void SplitQuery(string from, string attention, string part, (long Heads, long KVHeads) queryShare)
    {
        var all = queryShare.Heads + (2 * queryShare.KVHeads);
        if (all <= 0 || !_stored.TryGetValue(from, out var fused) || fused.Shape[0] % all != 0)
        {
            return;
        }

        _stored.Remove(from);
        var values = fused.Values(from);
        var first = 0L;
        foreach (var (name, heads)
            in new[] { ("q_proj", queryShare.Heads), ("k_proj", queryShare.KVHeads), ("v_proj", queryShare.KVHeads) })
        {
            var rows = values.Shape[0] / all * heads;
            _tensors.TryAdd($"{attention}.{name}.{part}", values.Rows(first, rows).Named($"{attention}.{name}.{part}"));
            first += rows;
        }
    }

    private void AddExperts(string from, string experts)
    {
        var gate = Find($"{from}.ffn_gate_exps.weight");
        var up = Find($"{from}.ffn_up_exps.weight");
        var fused = Find($"{from}.ffn_gate_up_exps.weight");
        var down = Find($"{from}.ffn_down_exps.weight");
        if (down?.Type.IsMxfp4() == true && fused?.Type.IsMxfp4() == true)
        {
            AddMxfp4($"{experts}.gate_up_proj", fused, fused);
            AddMxfp4($"{experts}.down_proj", down, down);
            Add($"{experts}.gate_up_proj_bias", $"{from}.ffn_gate_up_exps.bias");
            Add($"{experts}.down_proj_bias", $"{from}.ffn_down_exps.bias");
        }
        else if (down?.Type.IsMxfp4() == true && gate?.Type.IsMxfp4() == true && up?.Type.IsMxfp4() == true && Fit(gate, up, rank: 3))
        {
            AddMxfp4($"{experts}.gate_up_proj", gate, up);
            AddMxfp4($"{experts}.down_proj", down, down);
            Add($"{experts}.down_proj_bias", $"{from}.ffn_down_exps.bias");
            Interleave($"{experts}.gate_up_proj_bias", $"{from}.ffn_gate_exps.bias", $"{from}.ffn_up_exps.bias");
        }
        else
        {
            AddApart($"{from}.ffn_gate_exps", experts, "gate_proj");
            AddApart($"{from}.ffn_up_exps", experts, "up_proj");
            AddApart($"{from}.ffn_down_exps", experts, "down_proj");
        }
    }

    /// <summary>One tensor, or the rows of two in turns.</summary>
    private void AddMxfp4(string name, GgufTensor even, GgufTensor odd)
    {
        _stored.Remove(even.Name);
        _stored.Remove(odd.Name);
        var (blocks, scales) = (even.Mxfp4Blocks($"{name}_blocks"), even.Mxfp4Scales($"{name}_scales"));
        if (odd != even)
        {
            blocks = Interleave(blocks, odd.Mxfp4Blocks(odd.Name));
            scales = Interleave(scales, odd.Mxfp4Scales(odd.Name));
        }

        _tensors.TryAdd(blocks.Name, blocks);
        _tensors.TryAdd(scales.Name, scales);
    }

    private void Interleave(string name, string even, string odd)
    {
        if (Find(even) is { } gate && Find(odd) is { } up && gate.Type.IsPlain() && gate.Type == up.Type && Fit(gate, up, rank: 2))
        {
            _stored.Remove(even);
            _stored.Remove(odd);
            _tensors.TryAdd(name, Interleave(gate.Values(name), up.Values(odd)));
        }
    }

    /// <summary>Rows of the second dimension in turns: <c>[experts, rows, …]</c> twice gives <c>[experts, 2 · rows, …]</c>.</summary>
    private static CheckpointTensor Interleave(CheckpointTensor even, CheckpointTensor odd)
    {
        var rowBytes = even.ByteLength / (even.Shape[0] * even.Shape[1]);
        return new CheckpointTensor(
            new InterleavedRows(even, odd, checked((int)rowBytes)), even.Name, even.Type,
            even.Shape.SetItem(1, checked(2 * even.Shape[1])));
    }

    private void AddApart(string from, string experts, string name)
    {
        foreach (var part in new[] { "weight", "bias" })
        {
            if (Find($"{from}.{part}") is { } stored && stored.Shape is [> 0 and <= 1024, _, ..])
            {
                _stored.Remove(stored.Name);
                var values = stored.Values(stored.Name);
                for (var expert = 0L; expert < stored.Shape[0]; expert++)
                {
                    var own = $"{experts}.{expert}.{name}.{part}";
                    _tensors.TryAdd(own, values.Select(expert).Named(own));
                }
            }
        }
    }

    private GgufTensor? Find(string name) => _stored.GetValueOrDefault(name);

    private static bool Fit(GgufTensor first, GgufTensor second, int rank) =>
        first.Shape.Length == rank && first.Shape.AsSpan().SequenceEqual(second.Shape.AsSpan());
}
