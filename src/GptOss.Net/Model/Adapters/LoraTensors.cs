using GptOss.Net.Checkpoint;

namespace GptOss.Net.Model.Adapters;

/// <summary>The tensors of an adapter's file, found by the names that PEFT gives them; each is of some use, or refused by name.</summary>
internal sealed class LoraTensors
{
    private const string Prefix = "base_model.model.";
    private const string A = ".lora_A.weight";
    private const string B = ".lora_B.weight";
    private const string Magnitude = ".lora_magnitude_vector";
    private const string BaseLayer = ".base_layer.";

    private readonly SafetensorsFile _file;
    private readonly IReadOnlyList<string> _modulesToSave;
    private readonly Dictionary<string, CheckpointTensor> _tensors = new(StringComparer.Ordinal);
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    public LoraTensors(SafetensorsFile file, IReadOnlyList<string> modulesToSave)
    {
        (_file, _modulesToSave) = (file, modulesToSave);
        foreach (var tensor in file.Tensors)
        {
            if (!_tensors.TryAdd(NameInModel(tensor.Name), tensor))
            {
                throw new CheckpointException("is there twice, under two names of the same adapter.", file.Path, tensor.Name);
            }
        }
    }

    /// <summary>The pairs of matrices, with their magnitudes where the adapter is one of DoRA.</summary>
    public List<LoraPair> ReadPairs(bool isDora)
    {
        var pairs = new List<LoraPair>();
        foreach (var name in _tensors.Keys.Where(name => name.EndsWith(A, StringComparison.Ordinal)))
        {
            var module = name[..^A.Length];
            var (a, b) = (Find(name)!, Find(module + B));
            if (b is null)
            {
                throw new CheckpointException("has no lora_B beside it.", _file.Path, a.Name);
            }

            ThrowIfNotValues(a, 2);
            ThrowIfNotValues(b, 2);
            if (a.Shape[0] != b.Shape[1] || Math.Max(b.Shape[0], Math.Max(a.Shape[0], a.Shape[1])) > int.MaxValue / 4)
            {
                throw new CheckpointException(
                    $"is [{string.Join(", ", a.Shape)}], but its lora_B is [{string.Join(", ", b.Shape)}]; "
                    + "expected [rank, in] and [out, rank].", _file.Path, a.Name);
            }

            pairs.Add(new LoraPair(module, a, b, isDora ? ReadMagnitude(module, a, b.Shape[0]) : null));
        }

        return pairs;
    }

    /// <summary>The tensors of the modules that were trained whole, and the weights below pairs that PEFT saved beside them.</summary>
    public Dictionary<string, CheckpointTensor> ReadSaved()
    {
        var saved = new Dictionary<string, CheckpointTensor>(StringComparer.Ordinal);
        foreach (var name in _tensors.Keys.Where(name => !_used.Contains(name)))
        {
            var place = name.Replace(BaseLayer, ".", StringComparison.Ordinal);
            if (!name.Contains(".lora_", StringComparison.Ordinal)
                && (name.Contains(BaseLayer, StringComparison.Ordinal) || _modulesToSave.Any(module => IsIn(name, module))))
            {
                ThrowIfNotValues(_tensors[name]);
                saved[place] = Find(name)!;
            }
        }

        return _modulesToSave.FirstOrDefault(module => !saved.Keys.Any(name => IsIn(name, module))) is { } missing
            ? throw new CheckpointException(
                $"has no tensor of '{missing}', which modules_to_save in adapter_config.json names.", _file.Path, tensor: null)
            : saved;
    }

    public void ThrowIfUnknown()
    {
        if (_tensors.Keys.FirstOrDefault(name => !_used.Contains(name)) is { } other)
        {
            throw new CheckpointException(
                "is no part of a LoRA adapter of linear layers or experts; expected pairs of lora_A and lora_B, lora_magnitude_vector "
                + "where adapter_config.json says use_dora, and the tensors of its modules_to_save.",
                _file.Path,
                _tensors[other].Name);
        }
    }

    // The adapter's own name, which PEFT calls "default", is sometimes left in.
    private static string NameInModel(string name)
    {
        name = name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;
        name = name.Replace(".modules_to_save.", ".", StringComparison.Ordinal).Replace(".default.", ".", StringComparison.Ordinal);
        foreach (var end in new[] { Magnitude + ".default", Magnitude + ".weight" })
        {
            name = name.EndsWith(end, StringComparison.Ordinal) ? name[..^(end.Length - Magnitude.Length)] : name;
        }

        return name;
    }

    /// <summary>Whether a tensor belongs to a module whose name ends as the config says, or to one inside it.</summary>
    private static bool IsIn(string name, string module)
    {
        for (var dot = name.LastIndexOf('.'); dot > 0; dot = name.LastIndexOf('.', dot - 1))
        {
            if (name.AsSpan(0, dot).EndsWith(module, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    private CheckpointTensor ReadMagnitude(string module, CheckpointTensor a, long outputSize)
    {
        var magnitude = Find(module + Magnitude) ?? throw new CheckpointException(
            "has no lora_magnitude_vector beside it, which use_dora in adapter_config.json asks for.", _file.Path, a.Name);
        ThrowIfNotValues(magnitude);
        return magnitude.ElementCount == outputSize
            ? magnitude
            : throw new CheckpointException(
                $"is [{string.Join(", ", magnitude.Shape)}], but its lora_B has {outputSize} rows.", _file.Path, magnitude.Name);
    }

    private CheckpointTensor? Find(string name)
    {
        _used.Add(name);
        return _tensors.GetValueOrDefault(name);
    }

    private void ThrowIfNotValues(CheckpointTensor tensor, int? dimensions = null)
    {
        if ((dimensions is { } expected && tensor.Shape.Length != expected) || tensor.ElementCount == 0
            || tensor.Type is not (TensorType.F32 or TensorType.F16 or TensorType.BF16))
        {
            throw new CheckpointException(
                $"is {tensor.Type} [{string.Join(", ", tensor.Shape)}]; expected {(dimensions == 2 ? "a matrix" : "values")} "
                + "of F32, F16 or BF16.",
                _file.Path,
                tensor.Name);
        }
    }
}
