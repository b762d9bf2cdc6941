namespace GptOss.Net.Interop;

/// <summary>A run of bytes outside of the managed heap.</summary>
/// <param name="Start">The address of the first.</param>
/// <param name="Bytes">How many.</param>
internal readonly record struct MemoryRange(nint Start, long Bytes)
{
    /// <summary>Some of the bytes, at most as many as a span has.</summary>
    public unsafe ReadOnlySpan<byte> Span(long first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first + count, Bytes);
        return new((byte*)Start + first, count);
    }
}
