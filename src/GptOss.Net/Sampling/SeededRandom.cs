namespace GptOss.Net.Sampling;

/// <summary>Counter-based random numbers: the number at a position depends on the seed and that position only.</summary>
internal readonly struct SeededRandom(long seed)
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;

    // Mixed first, so that neighbouring seeds do not give shifted copies of one stream.
    private readonly ulong _key = Mix(unchecked((ulong)seed + GoldenGamma));

    /// <summary>A uniform number of 53 bits in [0, 1).</summary>
    public double Uniform(long position) => (Mix(unchecked(_key + ((ulong)position + 1) * GoldenGamma)) >> 11) * (1.0 / (1L << 53));

    // The finalizer of SplitMix64 (Steele, Lea, Flood 2014; constants by Stafford).
    private static ulong Mix(ulong value)
    {
        unchecked
        {
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return value ^ (value >> 31);
        }
    }
}
