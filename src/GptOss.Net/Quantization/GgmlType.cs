namespace GptOss.Net.Quantization;

/// <summary>The types of values in a GGUF file, by their numbers in ggml; those that are not listed are refused.</summary>
internal enum GgmlType
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,

    /// <summary>MXFP4 as Ollama's converter first wrote it: the scale byte, then the checkpoint's own 16 bytes.</summary>
    OllamaMxfp4 = 4,

    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q2_K = 10,
    Q3_K = 11,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    IQ4_NL = 20,
    BF16 = 30,
    Mxfp4 = 39,
}
