namespace GptOss.Net;

/// <summary>How durations were distributed since the model was loaded. Percentiles are exact to 5 %.</summary>
public sealed record LatencyStatistics
{
    internal LatencyStatistics()
    {
    }

    /// <summary>Gets how many durations there were; without any, all others are zero.</summary>
    public required long Count { get; init; }

    /// <summary>Gets the mean.</summary>
    public required TimeSpan Mean { get; init; }

    /// <summary>Gets the median.</summary>
    public required TimeSpan P50 { get; init; }

    /// <summary>Gets what nine of ten did not exceed.</summary>
    public required TimeSpan P90 { get; init; }

    /// <summary>Gets what 99 of 100 did not exceed.</summary>
    public required TimeSpan P99 { get; init; }
}
