using GptOss.Net.Quantization;

namespace GptOss.Net.Model;

/// <summary>config.json's <c>quantization_config</c>.</summary>
/// <param name="Method">The format.</param>
/// <param name="GroupSize">AWQ: input values that share a scale and a zero point. MXFP4: 32.</param>
internal sealed record QuantizationConfig(QuantizationMethod Method, int GroupSize)
{
    public static QuantizationConfig None { get; } = new(QuantizationMethod.None, 0);

    public static QuantizationConfig Mxfp4 { get; } = new(QuantizationMethod.Mxfp4, Mxfp4Format.GroupSize);
}
