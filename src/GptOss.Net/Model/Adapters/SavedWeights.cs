using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model.Adapters;

/// <summary>
/// Puts the tensors that an adapter has whole (<c>modules_to_save</c>) in the place of the model's. What it has no place or another shape
/// for is refused by name.
/// </summary>
internal sealed class SavedWeights(ModelConfig config, LoraAdapter adapter)
{
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <summary>Replaces; nothing is read yet.</summary>
    public static ModelWeights Replace(ModelConfig config, ModelWeights weights, LoraAdapter adapter)
    {
        var saved = new SavedWeights(config, adapter);
        var replaced = weights with
        {
            Embedding = (DenseWeightSource)saved.Matrix(weights.Embedding, "model.embed_tokens.weight"),
            Layers = [.. weights.Layers.Select((layer, index) => saved.Layer(layer, $"model.layers.{index}"))],
            FinalNorm = saved.Vector(weights.FinalNorm, "model.norm.weight"),
            Unembedding = (DenseWeightSource)saved.Matrix(weights.Unembedding, "lm_head.weight"),
        };
        var unused = adapter.Saved.Keys.Where(name => !saved._used.Contains(name)).Order(StringComparer.Ordinal).ToList();
        if (unused.Count > 0)
        {
            throw new CheckpointException(
                $"the adapter '{adapter.Directory}' has {unused.Count:N0} whole tensors that the model has no place for: "
                + $"{string.Join(", ", unused.Take(5))}. A layer has norms, q_proj, k_proj, v_proj, o_proj, sinks, router and experts.");
        }

        return weights.IsTied && !replaced.IsTied
            ? throw new CheckpointException(
                $"the adapter '{adapter.Directory}' has embed_tokens or lm_head whole, but the checkpoint has one matrix for both "
                + "(tie_word_embeddings).")
            : replaced;
    }

    private LayerWeights Layer(LayerWeights layer, string name) => layer with
    {
        AttentionNorm = Vector(layer.AttentionNorm, $"{name}.input_layernorm.weight"),
        Query = Linear(layer.Query, $"{name}.self_attn.q_proj"),
        Key = Linear(layer.Key, $"{name}.self_attn.k_proj"),
        Value = Linear(layer.Value, $"{name}.self_attn.v_proj"),
        Output = Linear(layer.Output, $"{name}.self_attn.o_proj"),
        Sinks = Vector(layer.Sinks, $"{name}.self_attn.sinks"),
        MlpNorm = Vector(layer.MlpNorm, $"{name}.post_attention_layernorm.weight"),
        Router = Linear(layer.Router, $"{name}.mlp.router"),
        Experts = Experts(layer.Experts, $"{name}.mlp.experts"),
    };

    private LinearSource Linear(LinearSource linear, string module) => new(
        Matrix(linear.Weight, $"{module}.weight"), linear.Bias is null ? null : Vector(linear.Bias, $"{module}.bias"));

    private WeightSource Matrix(WeightSource matrix, string name) =>
        Find(name, matrix.OutputSize, matrix.InputSize) is { } values
            ? new DenseWeightSource(matrix.OutputSize, matrix.InputSize, values)
            : matrix;

    private CheckpointTensor Vector(CheckpointTensor vector, string name) => Find(name, [.. vector.Shape]) ?? vector;

    /// <summary>Experts are one module with four tensors, of all experts at once; matrices are <c>[experts, in, out]</c>.</summary>
    private IReadOnlyList<ExpertSource> Experts(IReadOnlyList<ExpertSource> experts, string module)
    {
        var (hidden, intermediate) = (config.HiddenSize, config.IntermediateSize);
        var gateUp = Find($"{module}.gate_up_proj", experts.Count, hidden, 2 * intermediate);
        var gateUpBias = Find($"{module}.gate_up_proj_bias", experts.Count, 2 * intermediate);
        var down = Find($"{module}.down_proj", experts.Count, intermediate, hidden);
        var downBias = Find($"{module}.down_proj_bias", experts.Count, hidden);
        if (gateUp is null && gateUpBias is null && down is null && downBias is null)
        {
            return experts;
        }

        if (gateUp is null || gateUpBias is null || down is null || downBias is null)
        {
            throw new CheckpointException(
                $"the adapter '{adapter.Directory}' has a part of {module}; expected gate_up_proj, gate_up_proj_bias, down_proj and "
                + "down_proj_bias.");
        }

        return
        [
            .. Enumerable.Range(0, experts.Count).Select(expert => new ExpertSource(
                Transposed(gateUp, gateUpBias, expert), Gate: null, Up: null, Transposed(down, downBias, expert))),
        ];
    }

    private static LinearSource Transposed(CheckpointTensor values, CheckpointTensor bias, int expert) => new(
        new DenseWeightSource((int)values.Shape[2], (int)values.Shape[1], values.Select(expert), Transposed: true), bias.Select(expert));

    private CheckpointTensor? Find(string name, params ReadOnlySpan<long> shape)
    {
        if (!adapter.Saved.TryGetValue(name, out var tensor))
        {
            return null;
        }

        _used.Add(name);
        return tensor.Shape.AsSpan().SequenceEqual(shape)
            ? tensor
            : throw new CheckpointException(
                $"is [{string.Join(", ", tensor.Shape)}], but the model has [{string.Join(", ", shape.ToArray())}]. "
                + "Was the adapter trained for this model?",
                tensor.Source.Path,
                tensor.Name);
    }
}
