namespace GptOss.Net.Engine.Telemetry;

/// <summary>Counts durations in buckets that grow by 9 %, from 10 µs to 45 minutes. One thread records, any thread reads.</summary>
internal sealed class LatencyHistogram
{
    private const double Smallest = 1e-5; // seconds
    private const int BucketsPerDoubling = 8;
    private const int Doublings = 28;

    private readonly long[] _counts = new long[(Doublings * BucketsPerDoubling) + 1];
    private long _count;
    private double _seconds;

    public void Record(double seconds)
    {
        var bucket = seconds <= Smallest ? 0 : (int)(Math.Log2(seconds / Smallest) * BucketsPerDoubling);
        Increment(ref _counts[Math.Min(bucket, _counts.Length - 1)]);
        Volatile.Write(ref _seconds, _seconds + seconds);
        Increment(ref _count);
    }

    /// <summary>What was recorded until now.</summary>
    public LatencyStatistics Snapshot()
    {
        var count = Volatile.Read(ref _count);
        return new LatencyStatistics
        {
            Count = count,
            Mean = count == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(Volatile.Read(ref _seconds) / count),
            P50 = Percentile(count, 0.50),
            P90 = Percentile(count, 0.90),
            P99 = Percentile(count, 0.99),
        };
    }

    private TimeSpan Percentile(long count, double share)
    {
        var below = (long)Math.Ceiling(count * share);
        for (int bucket = 0; below > 0 && bucket < _counts.Length; bucket++)
        {
            below -= Volatile.Read(ref _counts[bucket]);
            if (below <= 0)
            {
                return TimeSpan.FromSeconds(Smallest * Math.Pow(2, (bucket + 0.5) / BucketsPerDoubling));
            }
        }

        return TimeSpan.Zero;
    }

    // Only one thread writes, so this needs no interlocked operation.
    private static void Increment(ref long value) => Volatile.Write(ref value, value + 1);
}
