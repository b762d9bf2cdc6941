namespace GptOss.Net;

/// <summary>In which form a model's weights are held and how exactly it computes: speed and memory against rounding.</summary>
/// <remarks>
/// The forms that the checkpoint quantizes (MXFP4, AWQ) stay as they are except where stated; the router, norms, biases and sinks always
/// do. What a device cannot do is refused when the model is loaded. Bytes, errors and speed: <c>docs/precision.md</c>.
/// </remarks>
public enum Precision
{
    /// <summary>What suits the device: <see cref="Int8Dense"/> on the CPU, <see cref="AsStored"/> on a GPU.</summary>
    Default,

    /// <summary>Every weight as in the checkpoint. On the CPU activations are float32, equal to the reference to rounding.</summary>
    AsStored,

    /// <summary>
    /// The dense matrices (attention, output projection) in int8. On the CPU with a scale per 32 values, activations quantized before
    /// each product: about as exact as the usual 8-bit files, and the fastest there. On a GPU with a scale per row; activations stay.
    /// </summary>
    Int8Dense,

    /// <summary>On a GPU: the output projection alone in int8, with a scale per row; most of what int8 gains for one sequence.</summary>
    Int8Unembedding,

    /// <summary>As <see cref="Int8Dense"/>, with the output projection in int4 per 32: faster, and coarser.</summary>
    Int4Unembedding,

    /// <summary>Every weight in bfloat16, the experts too: the classic "half" set-up, with four times the memory.</summary>
    ExpandedBFloat16,

    /// <summary>Weights that are not quantized, keys and values in float32, so that nothing is rounded but by float32 itself.</summary>
    Float32,

    /// <summary>The reference, plain operations of libtorch on any device: as stored, keys and values in bfloat16. Slow.</summary>
    Reference,

    /// <summary>The reference with the dense weights, keys and values in float32. Slow.</summary>
    ReferenceFloat32,
}
