namespace GptOss.Net.Model;

/// <summary>How a checkpoint stores its quantized weights.</summary>
internal enum QuantizationMethod
{
    None,
    Mxfp4,
    Awq,
}

/// <summary>config.json's <c>quantization_config</c>.</summary>
/// <param name="Method">The format.</param>
/// <param name="GroupSize">AWQ: input values that share a scale and a zero point. MXFP4: 32.</param>
internal sealed record QuantizationConfig(QuantizationMethod Method, int GroupSize)
{
    public static QuantizationConfig None { get; } = new(QuantizationMethod.None, 0);
}
