namespace GptOss.Net.Quantization;

/// <summary>The parts of one AutoAWQ matrix in memory.</summary>
internal readonly ref struct AwqMatrix
{
    public AwqMatrix(
        ReadOnlySpan<int> words, ReadOnlySpan<int> zeros, ReadOnlySpan<Half> scales, int inputSize, int outputSize, int groupSize)
    {
        if (groupSize < 1 || inputSize % groupSize != 0 || outputSize % AwqFormat.ValuesPerWord != 0)
        {
            throw new ArgumentException(
                $"[{inputSize}, {outputSize}] cannot be stored in groups of {groupSize} inputs and words of "
                + $"{AwqFormat.ValuesPerWord} outputs.",
                nameof(groupSize));
        }

        var groups = inputSize / groupSize;
        ArgumentOutOfRangeException.ThrowIfNotEqual(words.Length, (long)inputSize * outputSize / AwqFormat.ValuesPerWord, nameof(words));
        ArgumentOutOfRangeException.ThrowIfNotEqual(zeros.Length, (long)groups * outputSize / AwqFormat.ValuesPerWord, nameof(zeros));
        ArgumentOutOfRangeException.ThrowIfNotEqual(scales.Length, (long)groups * outputSize, nameof(scales));
        Words = words;
        Zeros = zeros;
        Scales = scales;
        InputSize = inputSize;
        OutputSize = outputSize;
        GroupSize = groupSize;
    }

    /// <summary>Gets the values, <c>[in, out / 8]</c>.</summary>
    public ReadOnlySpan<int> Words { get; }

    /// <summary>Gets the zeros, <c>[in / group, out / 8]</c>.</summary>
    public ReadOnlySpan<int> Zeros { get; }

    /// <summary>Gets the scales, <c>[in / group, out]</c>.</summary>
    public ReadOnlySpan<Half> Scales { get; }

    public int InputSize { get; }

    public int OutputSize { get; }

    /// <summary>Gets how many inputs share a zero and a scale.</summary>
    public int GroupSize { get; }
}
