namespace GptOss.Net;

/// <summary>What to listen to, with OpenTelemetry or anything else that reads .NET's meters and activities.</summary>
/// <example>
/// <code>
/// services.AddOpenTelemetry()
///     .WithMetrics(metrics => metrics.AddMeter(GptOssTelemetry.MeterName))
///     .WithTracing(tracing => tracing.AddSource(GptOssTelemetry.ActivitySourceName));
/// </code>
/// </example>
public static class GptOssTelemetry
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "GptOss.Net";

    /// <summary>The name of the activity source.</summary>
    public const string ActivitySourceName = "GptOss.Net";
}
