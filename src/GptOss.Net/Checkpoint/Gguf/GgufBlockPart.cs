namespace GptOss.Net.Checkpoint.Gguf;

/// <summary>What can be read from the blocks of a quantized GGUF tensor.</summary>
internal enum GgufBlockPart
{
    /// <summary>The values as float32.</summary>
    Singles,

    /// <summary>The values rounded to float16.</summary>
    Halves,

    /// <summary>MXFP4: the 16 bytes of values, in the order of a checkpoint's <c>_blocks</c>.</summary>
    Mxfp4Blocks,

    /// <summary>MXFP4: the scale.</summary>
    Mxfp4Scales,
}
