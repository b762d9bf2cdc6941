namespace GptOss.Net.Placement;

/// <summary>How the two kinds of weights lie in memory.</summary>
/// <param name="Quantized">The matrices that the checkpoint quantizes.</param>
/// <param name="Dense">The other matrices, and the biases, norms and sinks.</param>
internal sealed record WeightFormats(WeightFormat Quantized, WeightFormat Dense)
{
    /// <summary>Gets the default: nothing is expanded.</summary>
    public static WeightFormats AsStored { get; } = new(WeightFormat.AsStored, WeightFormat.AsStored);

    /// <summary>Gets the classic "half" set-up: every weight in 2 bytes.</summary>
    public static WeightFormats BFloat16 { get; } = new(WeightFormat.BFloat16, WeightFormat.BFloat16);

    public static WeightFormats Float32 { get; } = new(WeightFormat.Float32, WeightFormat.Float32);

    public long DenseBytes(long elements, long storedBytes) => Bytes(Dense, elements, storedBytes);

    public long QuantizedBytes(long elements, long storedBytes) => Bytes(Quantized, elements, storedBytes);

    private static long Bytes(WeightFormat format, long elements, long storedBytes) => format switch
    {
        WeightFormat.BFloat16 => checked(elements * 2),
        WeightFormat.Float32 => checked(elements * 4),
        _ => storedBytes,
    };
}
