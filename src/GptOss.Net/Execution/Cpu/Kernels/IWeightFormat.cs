namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>How half a block of a <see cref="RowGroup"/> is stored: the values of 16 rows by 32 columns, and behind them their scales.</summary>
internal unsafe interface IWeightFormat
{
    /// <summary>Gets the bytes of the values.</summary>
    static abstract int ValueBytes { get; }

    /// <summary>Gets the bytes of the scales.</summary>
    static abstract int ScaleBytes { get; }

    /// <summary>Decodes half a block to float32 <c>[32 columns, 16 rows]</c>.</summary>
    static abstract void Decode(byte* half, float* tile);
}
