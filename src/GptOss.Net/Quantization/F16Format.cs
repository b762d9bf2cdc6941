namespace GptOss.Net.Quantization;

/// <summary>IEEE float16. Weights may be stored so; activations never are, since gpt-oss overflows it.</summary>
internal static class F16Format
{
    public static void Decode(ReadOnlySpan<Half> source, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, source.Length, nameof(destination));
        for (var i = 0; i < source.Length; i++)
        {
            destination[i] = (float)source[i];
        }
    }

    public static void Encode(ReadOnlySpan<float> source, Span<Half> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, source.Length, nameof(destination));
        for (var i = 0; i < source.Length; i++)
        {
            destination[i] = (Half)source[i];
        }
    }
}
