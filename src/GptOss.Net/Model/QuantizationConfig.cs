using GptOss.Net.Quantization;

namespace GptOss.Net.Model;

/// <summary>config.json's <c>quantization_config</c>.</summary>
/// <param name="Method">The format.</param>
/// <param name="GroupSize">AWQ: input values that share a scale and a zero point. MXFP4: 32.</param>
internal sealed record QuantizationConfig(QuantizationMethod Method, int GroupSize)
{
    public static QuantizationConfig None { get; } = new(QuantizationMethod.None, 0);

    /// <summary>Gets how 4-bit values lie in the file; in memory they lie as AWQ has them.</summary>
    public Int4Layout Layout { get; init; }

    /// <summary>Gets a value indicating whether every zero is the middle of the 16 values.</summary>
    public bool IsSymmetric { get; init; }

    /// <summary>Gets a value indicating whether every matrix says which group each of its inputs belongs to.</summary>
    public bool HasInputOrder { get; init; }

    /// <summary>Gets what is added to a stored zero: GPTQ's first format stores one less than it means.</summary>
    public int ZeroOffset { get; init; }

    public static QuantizationConfig Mxfp4 { get; } = new(QuantizationMethod.Mxfp4, Mxfp4Format.GroupSize);
}
