namespace GptOss.Net.Model.Adapters;

/// <summary>
/// Adds an adapter to the weights that it was trained for, and to those that it has whole. What it has no place or another shape for is
/// refused by name.
/// </summary>
internal sealed class LoraMerge(ModelConfig config, LoraAdapter adapter)
{
    private const string Experts = ".mlp.experts";
    private const string Nested = ".base_layer"; // PEFT wraps a module once for each of its matrices

    private readonly HashSet<LoraPair> _used = [];

    /// <summary>Merges; nothing is read yet.</summary>
    public static ModelWeights Merge(ModelConfig config, ModelWeights weights, LoraAdapter adapter)
    {
        weights = SavedWeights.Replace(config, weights, adapter);
        var merge = new LoraMerge(config, adapter);
        var merged = weights with
        {
            Layers = [.. weights.Layers.Select((layer, index) => merge.Layer(layer, $"model.layers.{index}"))],
            Unembedding = merge.Matrix(weights.Unembedding, "lm_head") as DenseWeightSource ?? weights.Unembedding,
        };
        var unused = adapter.Pairs.Where(pair => !merge._used.Contains(pair)).Select(pair => pair.Module)
            .Order(StringComparer.Ordinal).ToList();
        return unused.Count == 0
            ? merged
            : throw new CheckpointException(
                $"the adapter '{adapter.Directory}' has {unused.Count:N0} modules that cannot be merged: "
                + $"{string.Join(", ", unused.Take(5))}. Merged are q_proj, k_proj, v_proj, o_proj, "
                + $"router and experts of {weights.Layers.Count} layers, and lm_head.");
    }

    private LayerWeights Layer(LayerWeights layer, string name) => layer with
    {
        Query = Linear(layer.Query, $"{name}.self_attn.q_proj"),
        Key = Linear(layer.Key, $"{name}.self_attn.k_proj"),
        Value = Linear(layer.Value, $"{name}.self_attn.v_proj"),
        Output = Linear(layer.Output, $"{name}.self_attn.o_proj"),
        Router = Linear(layer.Router, $"{name}.mlp.router"),
        Experts = MergeExperts(layer.Experts, name + Experts),
    };

    private LinearSource Linear(LinearSource linear, string module) => linear with { Weight = Matrix(linear.Weight, module) };

    private WeightSource Matrix(WeightSource matrix, string module)
    {
        var pair = adapter.Pairs.FirstOrDefault(pair => string.Equals(pair.Module, module, StringComparison.Ordinal));
        if (pair is null)
        {
            return matrix;
        }

        if (pair.InputSize != matrix.InputSize || pair.OutputSize != matrix.OutputSize)
        {
            throw Misfit(pair, $"[{matrix.OutputSize}, {matrix.InputSize}]");
        }

        _used.Add(pair);
        return MergedMatrix.Merge(matrix, pair, LoraPart.Whole, adapter.Scale.Of(pair, module, experts: 1));
    }

    /// <summary>The names do not say which of the two matrices a pair is for; its shape does.</summary>
    private IReadOnlyList<ExpertSource> MergeExperts(IReadOnlyList<ExpertSource> experts, string module)
    {
        foreach (var pair in adapter.Pairs.Where(pair => IsOf(pair.Module, module)))
        {
            var isGateUp = pair.InputSize == config.HiddenSize && pair.OutputSize == 2 * config.IntermediateSize;
            var isDown = pair.InputSize == config.IntermediateSize && pair.OutputSize == config.HiddenSize;
            if (isGateUp == isDown || pair.Width % experts.Count != 0)
            {
                throw Misfit(
                    pair,
                    $"{experts.Count} experts of [{2 * config.IntermediateSize}, {config.HiddenSize}] or [{config.HiddenSize}, "
                    + $"{config.IntermediateSize}]");
            }

            if (pair.Magnitude is not null)
            {
                throw new CheckpointException(
                    "is of experts, for which PEFT has no DoRA (use_dora).", pair.Magnitude.Source.Path, pair.Magnitude.Name);
            }

            _used.Add(pair);
            var scale = adapter.Scale.Of(pair, module + (isDown ? ".down_proj" : ".gate_up_proj"), experts.Count);
            experts = [.. experts.Select((expert, index) => isDown
                ? expert with { Down = Part(expert.Down, pair, new LoraPart(index, experts.Count, 0, 1), scale)! }
                : expert with
                {
                    GateUp = Part(expert.GateUp, pair, new LoraPart(index, experts.Count, 0, 1), scale),
                    Gate = Part(expert.Gate, pair, new LoraPart(index, experts.Count, 0, 2), scale),
                    Up = Part(expert.Up, pair, new LoraPart(index, experts.Count, 1, 2), scale),
                })];
        }

        return experts;
    }

    private static bool IsOf(string name, string module) =>
        name.StartsWith(module, StringComparison.Ordinal)
            && name[module.Length..].Replace(Nested, string.Empty, StringComparison.Ordinal).Length == 0;

    private static LinearSource? Part(LinearSource? linear, LoraPair pair, LoraPart part, double scale) =>
        linear is null ? null : linear with { Weight = MergedMatrix.Merge(linear.Weight, pair, part, scale) };

    private static CheckpointException Misfit(LoraPair pair, string expected) => new(
        $"is for a matrix [{pair.OutputSize}, {pair.InputSize}] with rank {pair.Width}, but the model has {expected}. "
        + "Was the adapter trained for this model?",
        pair.A.Source.Path,
        pair.Module);
}
