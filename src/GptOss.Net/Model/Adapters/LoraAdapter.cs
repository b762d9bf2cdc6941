using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model.Adapters;

/// <summary>
/// An adapter in the format of PEFT: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>, with two small matrices for each
/// module that was trained. Owns its file, which must stay open for as long as weights are read.
/// </summary>
internal sealed class LoraAdapter : IDisposable
{
    private const string ConfigFile = "adapter_config.json";
    private const string WeightsFile = "adapter_model.safetensors";
    private const string Prefix = "base_model.model.";
    private const int MaxRank = 1 << 16;

    private readonly SafetensorsFile _file;

    private LoraAdapter(string directory, SafetensorsFile file, Func<double> scale)
    {
        (Directory, _file) = (directory, file);
        var tensors = file.Tensors.ToDictionary(
            tensor => tensor.Name.Replace(".default.weight", ".weight", StringComparison.Ordinal), StringComparer.Ordinal);
        var used = 0;
        foreach (var (name, a) in tensors)
        {
            if (name.EndsWith(".lora_A.weight", StringComparison.Ordinal))
            {
                var module = name[..^".lora_A.weight".Length];
                Pairs.Add(ReadPair(module, a, tensors.GetValueOrDefault($"{module}.lora_B.weight"), scale()));
                used += 2;
            }
        }

        if (used != tensors.Count)
        {
            var other = tensors.Keys.First(name =>
                !name.EndsWith(".lora_A.weight", StringComparison.Ordinal) && !(name.EndsWith(".lora_B.weight", StringComparison.Ordinal)
                    && tensors.ContainsKey(name.Replace(".lora_B.weight", ".lora_A.weight", StringComparison.Ordinal))));
            throw new CheckpointException(
                "is no part of a LoRA adapter of linear layers or experts; expected pairs of lora_A and lora_B.", file.Path, other);
        }
    }

    public string Directory { get; }

    /// <summary>Gets the files that it is read from.</summary>
    public IEnumerable<string> Paths => [_file.Path, Path.Combine(Directory, ConfigFile)];

    /// <summary>Gets the modules that were trained, each by its name in the model: <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public List<LoraPair> Pairs { get; } = [];

    /// <summary>Opens an adapter and checks what it needs; no values are read.</summary>
    public static LoraAdapter Open(string directory)
    {
        var path = Path.Combine(directory, ConfigFile);
        if (!File.Exists(path))
        {
            throw new CheckpointException(
                $"'{directory}' has no {ConfigFile}. Give the directory of a LoRA adapter in PEFT's format, "
                + $"with {ConfigFile} and {WeightsFile}.");
        }

        using var document = JsonFile.Read(path);
        var scale = ReadScale(new ConfigSection(document.RootElement, path));
        var file = SafetensorsFile.Open(Path.Combine(directory, WeightsFile));
        try
        {
            return new LoraAdapter(directory, file, () => scale);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>lora_alpha / r, or / √r with rank stabilization. What would change the merge otherwise is refused by name.</summary>
    private static double ReadScale(ConfigSection config)
    {
        config.Expect("peft_type", "LORA");
        config.ExpectValue("bias", "none");
        foreach (var name in new[] { "use_dora", "fan_in_fan_out", "lora_bias", "use_qalora" })
        {
            config.ExpectValue(name, false);
        }

        foreach (var name in new[]
        {
            "rank_pattern", "alpha_pattern", "modules_to_save", "trainable_token_indices", "layer_replication", "megatron_config",
        })
        {
            if (config.Unread().Any(key => key == name || key.StartsWith(name + ".", StringComparison.Ordinal)))
            {
                throw config.Invalid(
                    name, "set",
                    "nothing: it is not supported. Merge the adapter with PEFT's merge_and_unload and load the merged checkpoint");
            }
        }

        var rank = config.Int32("r", 1, MaxRank);
        var alpha = config.Double("lora_alpha", -1e9, 1e9);
        return alpha / (config.Boolean("use_rslora", absent: false) ? Math.Sqrt(rank) : rank);
    }

    private LoraPair ReadPair(string module, CheckpointTensor a, CheckpointTensor? b, double scale)
    {
        if (b is null)
        {
            throw new CheckpointException("has no lora_B beside it.", _file.Path, a.Name);
        }

        foreach (var tensor in new[] { a, b })
        {
            if (tensor.Shape.Length != 2 || tensor.ElementCount == 0
                || tensor.Type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16))
            {
                throw new CheckpointException(
                    $"is {tensor.Type} [{string.Join(", ", tensor.Shape)}]; expected a matrix of F32, F16 or BF16.", _file.Path,
                    tensor.Name);
            }
        }

        return a.Shape[0] == b.Shape[1] && a.Shape[0] <= MaxRank && b.Shape[0] <= int.MaxValue / 4 && a.Shape[1] <= int.MaxValue / 4
            ? new LoraPair(module.StartsWith(Prefix, StringComparison.Ordinal) ? module[Prefix.Length..] : module, a, b, scale)
            : throw new CheckpointException(
                $"is [{string.Join(", ", a.Shape)}], but its lora_B is [{string.Join(", ", b.Shape)}]; "
                + "expected [rank, in] and [out, rank].", _file.Path, a.Name);
    }
}
