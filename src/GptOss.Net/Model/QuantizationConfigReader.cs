namespace GptOss.Net.Model;

/// <summary>Reads config.json's <c>quantization_config</c>.</summary>
internal static class QuantizationConfigReader
{
    private const string Supported =
        "none, 'mxfp4', or of 4 bits 'awq' (AutoAWQ, version 'gemm', with zero points), 'gptq', "
        + "'auto-round' or 'compressed-tensors' (pack-quantized); convert the checkpoint to one of these";

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
            "GPTQ" => ReadGptq(section),
            "AUTO-ROUND" or "INTEL/AUTO-ROUND" => ReadAutoRound(section),
            "COMPRESSED-TENSORS" => CompressedTensorsConfigReader.Read(section),
            _ => throw section.Invalid("quant_method", $"'{method}', which is not supported", Supported),
        };
    }

    private static QuantizationConfig ReadAwq(ConfigSection section)
    {
        CheckBits(section);
        var version = section.Has("version") ? section.String("version") : "gemm";
        if (!string.Equals(version, "gemm", StringComparison.OrdinalIgnoreCase))
        {
            throw section.Invalid("version", $"'{version}'", $"'gemm'; supported are {Supported}");
        }

        section.ExpectTrue("zero_point", isOptional: true);
        return new QuantizationConfig(QuantizationMethod.Awq, section.Int32("group_size", 1, 1 << 20));
    }

    /// <summary>GPTQ, as AutoGPTQ and GPTQModel write it.</summary>
    private static QuantizationConfig ReadGptq(ConfigSection section)
    {
        CheckBits(section);
        var format = section.Has("checkpoint_format") ? section.String("checkpoint_format") : "gptq";
        return Int4(section, Int4Layout.Gptq) with
        {
            HasInputOrder = section.Boolean("desc_act", absent: false),
            ZeroOffset = format switch
            {
                "gptq" => 1,
                "gptq_v2" => 0,
                _ => throw section.Invalid("checkpoint_format", $"'{format}'", "'gptq' or 'gptq_v2'"),
            },
        };
    }

    private static QuantizationConfig ReadAutoRound(ConfigSection section)
    {
        CheckBits(section);
        section.ExpectValue("data_type", "int");
        var packing = section.Has("packing_format") ? section.String("packing_format") : "auto_round:auto_gptq";
        if (packing is "auto_round:auto_awq" or "auto_awq")
        {
            return Int4(section, Int4Layout.Awq);
        }

        // Of the packings beside auto_gptq it is not said what is stored for a zero; where all are the middle, that does not matter.
        var config = Int4(section, Int4Layout.Gptq) with { ZeroOffset = 1 };
        return config.IsSymmetric || packing is "auto_round:auto_gptq" or "auto_gptq"
            ? config
            : throw section.Invalid(
                "packing_format", $"'{packing}' with zeros",
                "'auto_round:auto_gptq' or 'auto_round:auto_awq', or a symmetric quantization");
    }

    private static QuantizationConfig Int4(ConfigSection section, Int4Layout layout) =>
        new(QuantizationMethod.Awq, section.Int32("group_size", 1, 1 << 20))
        {
            Layout = layout,
            IsSymmetric = section.Boolean("sym", absent: false),
        };

    private static void CheckBits(ConfigSection section)
    {
        if (section.Int32("bits", 1, 64) is not 4 and var bits)
        {
            throw section.Invalid("bits", $"{bits}", $"4; supported are {Supported}");
        }
    }
}
