using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model.Adapters;

/// <summary>
/// An adapter in the format of PEFT: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>, with two small matrices for each
/// module that was trained, and whole weights of modules that were trained whole. Owns its file, which must stay open for as long as
/// weights are read.
/// </summary>
internal sealed class LoraAdapter : IDisposable
{
    private const string ConfigFile = "adapter_config.json";
    private const string WeightsFile = "adapter_model.safetensors";

    private readonly SafetensorsFile _file;

    private LoraAdapter(string directory, SafetensorsFile file, LoraScale scale, bool isDora, IReadOnlyList<string> modulesToSave)
    {
        (Directory, _file, Scale) = (directory, file, scale);
        var tensors = new LoraTensors(file, modulesToSave);
        Pairs = tensors.ReadPairs(isDora);
        Saved = tensors.ReadSaved();
        tensors.ThrowIfUnknown();
    }

    public string Directory { get; }

    /// <summary>Gets the files that it is read from.</summary>
    public IEnumerable<string> Paths => [_file.Path, Path.Combine(Directory, ConfigFile)];

    public LoraScale Scale { get; }

    /// <summary>Gets the modules that were trained, each by its name in the model: <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public IReadOnlyList<LoraPair> Pairs { get; }

    /// <summary>Gets the tensors that take the place of the model's, by their names there: <c>lm_head.weight</c>.</summary>
    public IReadOnlyDictionary<string, CheckpointTensor> Saved { get; }

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
        var config = new ConfigSection(document.RootElement, path);
        ThrowIfNotMergeable(config);
        var scale = new LoraScale(config);
        var isDora = config.Boolean("use_dora", absent: false);
        var modulesToSave = config.Strings("modules_to_save", largestCount: 10_000) ?? [];
        var file = SafetensorsFile.Open(Path.Combine(directory, WeightsFile));
        try
        {
            return new LoraAdapter(directory, file, scale, isDora, modulesToSave);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>What would change the merge is refused by name.</summary>
    private static void ThrowIfNotMergeable(ConfigSection config)
    {
        config.Expect("peft_type", "LORA");
        config.ExpectValue("bias", "none");
        foreach (var name in new[] { "fan_in_fan_out", "lora_bias", "use_qalora" })
        {
            config.ExpectValue(name, false);
        }

        foreach (var name in new[]
        {
            "trainable_token_indices", "layer_replication", "megatron_config", "alora_invocation_tokens", "arrow_config",
        })
        {
            if (config.Unread().Any(key => key == name || key.StartsWith(name + ".", StringComparison.Ordinal)))
            {
                throw config.Invalid(
                    name, "set",
                    "nothing: it is not supported. Merge the adapter with PEFT's merge_and_unload and load the merged checkpoint");
            }
        }
    }
}
