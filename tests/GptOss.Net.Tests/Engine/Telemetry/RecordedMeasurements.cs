using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace GptOss.Net.Tests.Engine.Telemetry;

/// <summary>Everything that the instruments of one model measure.</summary>
internal sealed class RecordedMeasurements : IDisposable
{
    private readonly ConcurrentQueue<(string Instrument, double Value, Dictionary<string, object?> Tags)> _measurements = [];
    private readonly MeterListener _listener = new();

    public RecordedMeasurements(string model)
    {
        Model = model;
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == GptOssTelemetry.MeterName)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>Gets the name that the model must have.</summary>
    public string Model { get; }

    /// <summary>Asks the instruments that are read from outside.</summary>
    public void CollectIf(bool condition)
    {
        if (condition)
        {
            _listener.RecordObservableInstruments();
        }
    }

    public IEnumerable<double> Of(string instrument) =>
        _measurements.Where(measurement => measurement.Instrument == instrument).Select(measurement => Math.Round(measurement.Value, 6));

    public IEnumerable<double> Of(string instrument, string tag, string value) => _measurements
        .Where(measurement => measurement.Instrument == instrument && Equals(measurement.Tags[tag], value))
        .Select(measurement => measurement.Value);

    public Dictionary<string, object?> TagsOf(string instrument) =>
        _measurements.First(measurement => measurement.Instrument == instrument).Tags;

    public void Dispose() => _listener.Dispose();

    private void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var named = new Dictionary<string, object?>(tags.ToArray(), StringComparer.Ordinal);
        if (Equals(named["gen_ai.request.model"], Model))
        {
            _measurements.Enqueue((instrument.Name, value, named));
        }
    }
}
