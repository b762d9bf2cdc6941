namespace GptOss.Net;

/// <summary>How exactly a model that lies on the CPU computes.</summary>
public enum CpuPrecision
{
    /// <summary>
    /// Weights of bfloat16 become int8 with a scale per 32 values when they are loaded, and activations are quantized before each
    /// product: about as exact as the usual 8-bit files, and the fastest.
    /// </summary>
    Fast,

    /// <summary>Weights as stored, activations in float32: equal to the reference to rounding.</summary>
    Exact,

    /// <summary>The reference itself: plain operations of libtorch. Slow.</summary>
    Reference,
}
