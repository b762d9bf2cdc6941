namespace GptOss.Net.Quantization;

/// <summary>
/// AutoAWQ GEMM, 4 bit. A matrix is stored <c>[in, out]</c>; eight neighbouring outputs share an int32, whose nibble i (the lowest
/// first) holds output <c>PackOrder[i]</c> of the eight. Value = (q − zero) · scale, with a zero and a scale for each group of
/// inputs and each output; zeros are packed like the values.
/// </summary>
internal static class AwqFormat
{
    /// <summary>Values in an int32.</summary>
    public const int ValuesPerWord = 8;

    private const int MaxValue = 15;

    /// <summary>Gets which of its word's eight outputs each nibble holds, the lowest nibble first.</summary>
    public static ReadOnlySpan<byte> PackOrder => [0, 2, 4, 6, 1, 3, 5, 7];

    /// <summary>Gets the nibble of a word that holds each of the eight outputs: the inverse of <see cref="PackOrder"/>.</summary>
    public static ReadOnlySpan<byte> NibbleOf => [0, 4, 1, 5, 2, 6, 3, 7];

    /// <summary>Gets one of the values that are packed in a row of words.</summary>
    /// <param name="row">A row of <c>qweight</c> or <c>qzeros</c>, <c>[out / 8]</c>.</param>
    /// <param name="output">The output.</param>
    public static int Unpack(ReadOnlySpan<int> row, int output) =>
        (row[output / ValuesPerWord] >> (4 * NibbleOf[output % ValuesPerWord])) & MaxValue;

    /// <summary>Decodes a matrix to <c>[in, out]</c>, as it is stored.</summary>
    public static void Decode(in AwqMatrix matrix, Span<float> destination) =>
        Decode(matrix, destination, inputStride: matrix.OutputSize, outputStride: 1);

    /// <summary>Decodes a matrix to rows, <c>[out, in]</c>.</summary>
    public static void DecodeRows(in AwqMatrix matrix, Span<float> destination) =>
        Decode(matrix, destination, inputStride: 1, outputStride: matrix.InputSize);

    /// <summary>Encodes values <c>[in, out]</c>, each group by its smallest and largest value.</summary>
    public static void Encode(
        ReadOnlySpan<float> values, int outputSize, int groupSize, Span<int> words, Span<int> zeros, Span<Half> scales)
    {
        // Takes the place of the checks: the sizes follow from those of the spans.
        _ = new AwqMatrix(words, zeros, scales, values.Length / outputSize, outputSize, groupSize);
        words.Clear();
        zeros.Clear();
        for (var group = 0; group < values.Length / outputSize / groupSize; group++)
        {
            var inputs = values.Slice(group * groupSize * outputSize, groupSize * outputSize);
            for (var output = 0; output < outputSize; output++)
            {
                var (scale, zero) = Range(inputs, outputSize, output);
                scales[(group * outputSize) + output] = scale;
                Pack(zeros, (group * outputSize) + output, zero);
                for (var i = 0; i < groupSize; i++)
                {
                    var value = MathF.Round(inputs[(i * outputSize) + output] / (float)scale) + zero;
                    Pack(words, (((group * groupSize) + i) * outputSize) + output, (int)Math.Clamp(value, 0, MaxValue));
                }
            }
        }
    }

    private static void Decode(in AwqMatrix matrix, Span<float> destination, int inputStride, int outputStride)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(
            destination.Length, (long)matrix.InputSize * matrix.OutputSize, nameof(destination));
        var rowWords = matrix.OutputSize / ValuesPerWord;
        for (var input = 0; input < matrix.InputSize; input++)
        {
            var group = input / matrix.GroupSize;
            var words = matrix.Words.Slice(input * rowWords, rowWords);
            var zeros = matrix.Zeros.Slice(group * rowWords, rowWords);
            var scales = matrix.Scales.Slice(group * matrix.OutputSize, matrix.OutputSize);
            for (var output = 0; output < matrix.OutputSize; output++)
            {
                destination[(input * inputStride) + (output * outputStride)] =
                    (Unpack(words, output) - Unpack(zeros, output)) * (float)scales[output];
            }
        }
    }

    private static (Half Scale, int Zero) Range(ReadOnlySpan<float> inputs, int outputSize, int output)
    {
        var (smallest, largest) = (0f, 0f);
        for (var i = output; i < inputs.Length; i += outputSize)
        {
            smallest = MathF.Min(smallest, inputs[i]);
            largest = MathF.Max(largest, inputs[i]);
        }

        var scale = (Half)((largest - smallest) / MaxValue);
        scale = scale == Half.Zero ? Half.One : scale;
        return (scale, (int)Math.Clamp(MathF.Round(-smallest / (float)scale), 0, MaxValue));
    }

    private static void Pack(Span<int> words, int index, int value) =>
        words[index / ValuesPerWord] |= value << (4 * NibbleOf[index % ValuesPerWord]);
}
