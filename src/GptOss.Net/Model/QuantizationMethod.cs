namespace GptOss.Net.Model;

/// <summary>How a checkpoint stores its quantized weights.</summary>
internal enum QuantizationMethod
{
    None,
    Mxfp4,

    /// <summary>4 bits with scales and zeros for each group: AWQ, and GPTQ and compressed-tensors, which are read as AWQ.</summary>
    Awq,
}
