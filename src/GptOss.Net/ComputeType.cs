namespace GptOss.Net;

/// <summary>The number format in which weights that are not quantized, and the cache, are held.</summary>
/// <remarks>Activations are float32 in either case. float16 is not offered: gpt-oss exceeds its range.</remarks>
public enum ComputeType
{
    /// <summary>bfloat16: what the model was released in.</summary>
    BFloat16,

    /// <summary>float32: keys and values are not rounded either, at twice the memory.</summary>
    Float32,
}
