namespace GptOss.Net.Throughput.Serving;

/// <summary>The median, and what 90 and 99 of 100 values do not exceed.</summary>
internal sealed record Percentiles(double P50, double P90, double P99)
{
    public static Percentiles Of(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return new Percentiles(At(0.50), At(0.90), At(0.99));

        double At(double share) => sorted.Length == 0 ? double.NaN : sorted[(int)Math.Ceiling(share * sorted.Length) - 1];
    }

    /// <summary>The values, which are seconds, in milliseconds.</summary>
    public string Milliseconds() => $"{P50 * 1000,7:F0} {P90 * 1000,7:F0} {P99 * 1000,7:F0}";
}
