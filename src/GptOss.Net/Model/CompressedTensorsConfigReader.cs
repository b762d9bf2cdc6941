namespace GptOss.Net.Model;

/// <summary>
/// Reads the <c>quantization_config</c> of compressed-tensors: one group of linear layers with 4-bit weights and plain activations (W4A16).
/// </summary>
internal static class CompressedTensorsConfigReader
{
    public static QuantizationConfig Read(ConfigSection section)
    {
        section.ExpectValue("format", "pack-quantized");
        section.ExpectValue("kv_cache_scheme", null);
        var groups = section.Section("config_groups") ?? throw section.Invalid("config_groups", "absent", "one group of weights");
        if (groups.Names() is not [var name])
        {
            throw section.Invalid("config_groups", $"{groups.Names().Count} groups", "one");
        }

        var group = groups.Section(name)!.Value;
        group.ExpectValue("format", "pack-quantized");
        group.ExpectValue("input_activations", null);
        group.ExpectValue("output_activations", null);
        var weights = group.Section("weights") ?? throw group.Invalid("weights", "absent", "how they are quantized");
        if (weights.Int32("num_bits", 1, 64) is not 4 and var bits)
        {
            throw weights.Invalid("num_bits", $"{bits}", "4");
        }

        weights.ExpectValue("type", "int");
        weights.ExpectValue("strategy", "group");
        var hasOrder = weights.Is("actorder", "group") || weights.Is("actorder", "dynamic");
        if (weights.Has("actorder") && !(hasOrder || weights.Is("actorder", "weight") || weights.Is("actorder", "static")))
        {
            throw weights.Invalid("actorder", "unknown", "none, 'weight', 'static', 'group' or 'dynamic'");
        }

        return new QuantizationConfig(QuantizationMethod.Awq, weights.Int32("group_size", 1, 1 << 20))
        {
            Layout = Int4Layout.CompressedTensors,
            HasInputOrder = hasOrder,
            IsSymmetric = weights.Boolean("symmetric", absent: true),
        };
    }
}
