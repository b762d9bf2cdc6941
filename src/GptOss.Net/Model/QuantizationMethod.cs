namespace GptOss.Net.Model;

/// <summary>How a checkpoint stores its quantized weights.</summary>
internal enum QuantizationMethod
{
    None,
    Mxfp4,
    Awq,
}
