using System.Diagnostics.Metrics;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>
/// Collects what the model's meter measures into histograms under vLLM's names. It listens to that meter alone; a measurement costs a
/// search in a list of bounds and two additions.
/// </summary>
internal sealed class ServerMetrics : IDisposable
{
    private static readonly double[] FirstTokenBounds =
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560];

    private static readonly double[] TokenBounds =
        [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80];

    private static readonly double[] RequestBounds =
        [0.3, 0.5, 0.8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680];

    private readonly MeterListener _listener = new();
    private readonly Dictionary<string, Histogram> _byInstrument;

    public ServerMetrics()
    {
        _byInstrument = new(StringComparer.Ordinal)
        {
            ["gen_ai.server.time_to_first_token"] = new("time_to_first_token_seconds", FirstTokenBounds),
            ["gptoss.inter_token_latency"] = new("inter_token_latency_seconds", TokenBounds) { OldName = "time_per_output_token_seconds" },
            ["gptoss.request_queue_time"] = new("request_queue_time_seconds", RequestBounds),
            ["gen_ai.server.request.duration"] = new("e2e_request_latency_seconds", RequestBounds),
        };
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name is GptOssTelemetry.MeterName && _byInstrument.TryGetValue(instrument.Name, out var histogram))
            {
                listener.EnableMeasurementEvents(instrument, histogram);
            }
        };
        _listener.SetMeasurementEventCallback<double>((_, value, _, histogram) => ((Histogram)histogram!).Add(value));
        _listener.Start();
    }

    public IEnumerable<Histogram> Histograms => _byInstrument.Values;

    public void Dispose() => _listener.Dispose();
}
