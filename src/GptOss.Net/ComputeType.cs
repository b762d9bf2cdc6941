namespace GptOss.Net;

/// <summary>The number format that the model computes in.</summary>
/// <remarks>float16 is not offered: gpt-oss's activations exceed its range.</remarks>
public enum ComputeType
{
    /// <summary>bfloat16 products with a float32 residual stream; what the model was released in.</summary>
    BFloat16,

    /// <summary>float32 throughout: the most exact, at twice the memory for the weights that are not quantized.</summary>
    Float32,
}
