namespace GptOss.Net.Model;

/// <summary>Reads config.json's <c>quantization_config</c>.</summary>
internal static class QuantizationConfigReader
{
    private const string Supported =
        "none, 'mxfp4', or 'awq' (AutoAWQ, version 'gemm', 4 bit, with zero points); convert the checkpoint to one of these";

    /// <param name="config">The file.</param>
    /// <param name="absent">What a file without the section means.</param>
    public static QuantizationConfig Read(ConfigSection config, QuantizationConfig absent)
    {
        if (config.Section("quantization_config") is not { } section)
        {
            return absent;
        }

        var method = section.String("quant_method");
        return method.ToUpperInvariant() switch
        {
            "MXFP4" => QuantizationConfig.Mxfp4,
            "AWQ" => ReadAwq(section),
            _ => throw section.Invalid("quant_method", $"'{method}', which is not supported", Supported),
        };
    }

    private static QuantizationConfig ReadAwq(ConfigSection section)
    {
        if (section.Int32("bits", 1, 64) is not 4 and var bits)
        {
            throw section.Invalid("bits", $"{bits}", $"4; supported are {Supported}");
        }

        var version = section.Has("version") ? section.String("version") : "gemm";
        if (!string.Equals(version, "gemm", StringComparison.OrdinalIgnoreCase))
        {
            throw section.Invalid("version", $"'{version}'", $"'gemm'; supported are {Supported}");
        }

        section.ExpectTrue("zero_point", isOptional: true);
        return new QuantizationConfig(QuantizationMethod.Awq, section.Int32("group_size", 1, 1 << 20));
    }
}
