namespace GptOss.Net.Execution.Cpu.Kernels;

/// <summary>
/// One way to store weights: its sizes, how it is packed, decoded and multiplied. Half a block of a <see cref="RowGroup"/> holds the values
/// of 16 rows by 32 columns, and behind them their scales.
/// </summary>
internal unsafe interface IWeightFormat
{
    /// <summary>Gets the bytes of the values.</summary>
    static abstract int ValueBytes { get; }

    /// <summary>Gets the bytes of the scales.</summary>
    static abstract int ScaleBytes { get; }

    /// <summary>Gets the form of activations that <see cref="MultiplyFast"/> takes.</summary>
    static abstract ActivationFormat FastInput { get; }

    /// <summary>Stores 32 columns of a row.</summary>
    /// <param name="half">Half a block.</param>
    /// <param name="lane">Which of its 16 rows.</param>
    /// <param name="row">The values.</param>
    /// <exception cref="OverflowException">The format cannot hold them.</exception>
    /// <exception cref="NotSupportedException">The format holds only what is stored in it.</exception>
    static abstract void Pack(byte* half, int lane, ReadOnlySpan<float> row);

    /// <summary>Decodes half a block to float32 <c>[32 columns, 16 rows]</c>.</summary>
    static abstract void Decode(byte* half, float* tile);

    /// <summary>Multiplies a row group with rows of activations; each result depends on its own row alone.</summary>
    /// <param name="group">The weights of 32 rows.</param>
    /// <param name="blocks">Blocks of 32 columns.</param>
    /// <param name="rows">Activations, as <see cref="FastInput"/>, <c>[count]</c>.</param>
    /// <param name="count">How many rows of activations.</param>
    /// <param name="sums">Results, <c>[count, 32]</c>.</param>
    static abstract void MultiplyFast(byte* group, int blocks, byte** rows, int count, float* sums);
}
