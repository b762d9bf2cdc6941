namespace GptOss.Net.KVCache;

/// <summary>How many blocks are in use, of how many.</summary>
internal readonly record struct KVCacheUsage(
    int FullBlocksUsed, int FullBlockCount, int SlidingBlocksUsed, int SlidingBlockCount)
{
    /// <summary>
    /// Gets how many blocks of the full layers were ever in use: where memory is given at first use, only these take any.
    /// </summary>
    public int FullBlocksTouched { get; init; }

    /// <summary>Gets the same of the sliding layers' blocks.</summary>
    public int SlidingBlocksTouched { get; init; }

    /// <summary>Gets the used share of the scarcer pool, 0 to 1.</summary>
    public double Fraction => Math.Max(FullShare, SlidingShare);

    /// <summary>Gets the used share of the full layers' blocks, 0 to 1.</summary>
    public double FullShare => Share(FullBlocksUsed, FullBlockCount);

    /// <summary>Gets the used share of the sliding layers' blocks, 0 to 1.</summary>
    public double SlidingShare => Share(SlidingBlocksUsed, SlidingBlockCount);

    private static double Share(int used, int count) => count == 0 ? 0 : (double)used / count;
}
