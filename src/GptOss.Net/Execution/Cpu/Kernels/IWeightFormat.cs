namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// How the weights of a <see cref="RowGroup"/> are stored: block after block, a block's scales behind its values, one stream.
/// </summary>
internal unsafe interface IWeightFormat
{
    /// <summary>Gets the bytes of a block's values: 16 rows by 32 columns.</summary>
    static abstract int ValueBytes { get; }

    /// <summary>Gets the bytes of a block's scales.</summary>
    static abstract int ScaleBytes { get; }

    /// <summary>Decodes a block to float32 <c>[32 columns, 16 rows]</c>.</summary>
    static abstract void Decode(byte* values, byte* scales, float* tile);
}
