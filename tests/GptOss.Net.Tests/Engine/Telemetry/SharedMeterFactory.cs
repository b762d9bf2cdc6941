using System.Diagnostics.Metrics;

namespace GptOss.Net.Tests.Engine.Telemetry;

/// <summary>Gives everybody the same meter, as a host's factory does.</summary>
internal sealed class SharedMeterFactory : IMeterFactory
{
    public Meter Meter { get; } = new(GptOssTelemetry.MeterName);

    public Meter Create(MeterOptions options) => Meter;

    public void Dispose() => Meter.Dispose();
}
