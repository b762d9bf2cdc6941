using System.Diagnostics;
using System.Diagnostics.Metrics;
using GptOss.Net.Interop;

namespace GptOss.Net.Engine.Telemetry;

/// <summary>What one model measures, on the instruments of its meter.</summary>
/// <remarks>A factory's meter outlives the model, which then has no measurements any more.</remarks>
internal sealed class EngineMeter : IDisposable
{
    private readonly EngineCounters _counters;
    private readonly IReadOnlyList<DeviceBlockBytes> _devices;
    private readonly Func<IReadOnlyList<DeviceMemory>> _memory;
    private readonly ListenerFailures _failures;
    private readonly Meter? _own;
    private readonly EngineInstruments _instruments;
    private readonly KeyValuePair<string, object?> _model;

    public EngineMeter(EngineCounters counters, EngineOptions options, ListenerFailures failures)
    {
        (_counters, _devices, _failures) = (counters, options.DeviceBlocks, failures);
        _memory = () => options.Placement is { } placement
            ? MemoryReport.Create(placement, options.DeviceBlocks, counters.CacheUsage, DeviceInventory.Take(), options.MappedWeightBytes)
            : [];
        _model = new(GenAIAttributes.RequestModel, options.ModelName);
        _own = options.MeterFactory is null ? new Meter(GptOssTelemetry.MeterName) : null;
        _instruments = EngineInstruments.Of(
            _own ?? options.MeterFactory!.Create(new MeterOptions(GptOssTelemetry.MeterName)), failures);
        _instruments.Add(this);
    }

    public IEnumerable<Measurement<long>> Running => [Measure<long>(_counters.Running)];

    public IEnumerable<Measurement<long>> Waiting => [Measure<long>(_counters.Waiting)];

    public IEnumerable<Measurement<double>> CacheShares =>
    [
        Measure(_counters.CacheUsage.FullShare, "gptoss.layer_kind", "full"),
        Measure(_counters.CacheUsage.SlidingShare, "gptoss.layer_kind", "sliding"),
    ];

    public IEnumerable<Measurement<long>> CacheBytes =>
        _devices.Select(device => Measure(device.Used(_counters.CacheUsage), "gptoss.device", device.Device.ToString()));

    /// <summary>Gets what lies on each device; the drivers are asked when somebody collects.</summary>
    public IEnumerable<Measurement<long>> DeviceMemory => _memory().SelectMany(device => new[]
    {
        Measure(device, device.WeightBytes, "weights"), Measure(device, device.KVBytesResident, "kv_cache"),
        Measure(device, device.WorkspaceBytes, "workspace"),
        Measure(device, device.OtherBytes, "other"), Measure(device, device.FreeBytes, "free"),
    });

    public IEnumerable<Measurement<long>> Outcomes =>
    [
        Measure(_counters.Finished, "gptoss.outcome", "finished"),
        Measure(_counters.Cancelled, "gptoss.outcome", "cancelled"),
        Measure(_counters.Failed, "gptoss.outcome", "failed"),
        Measure(_counters.Refused, "gptoss.outcome", "refused"),
    ];

    public IEnumerable<Measurement<long>> Preemptions => [Measure(_counters.Preemptions)];

    public IEnumerable<Measurement<long>> PromptTokens => [Measure(_counters.PromptTokens)];

    public IEnumerable<Measurement<long>> GeneratedTokens => [Measure(_counters.GeneratedTokens)];

    public IEnumerable<Measurement<long>> CachedTokens => [Measure(_counters.CachedTokens)];

    public void RecordQueueTime(EngineRequest request, double seconds) => Record(_instruments.QueueTime, seconds, Tags(request));

    public void RecordTimeBetweenTokens(EngineRequest request, double seconds) =>
        Record(_instruments.TimeBetweenTokens, seconds, Tags(request));

    public void RecordFailure(EngineRequest request, double duration, Exception exception)
    {
        var tags = Tags(request);
        tags.Add(GenAIAttributes.ErrorType, exception.GetType().FullName);
        Record(_instruments.Duration, duration, tags);
    }

    public void RecordSuccess(EngineRequest request, double duration, double timeToFirstToken)
    {
        var (tags, tokens) = (Tags(request), request.Progress.OutputTokens);
        Record(_instruments.Duration, duration, tags);
        Record(_instruments.TimeToFirstToken, timeToFirstToken, tags);
        if (tokens > 1)
        {
            Record(_instruments.TimePerOutputToken, (duration - timeToFirstToken) / (tokens - 1), tags);
        }
    }

    public void Dispose()
    {
        _instruments.Remove(this);
        _own?.Dispose();
    }

    private void Record(Histogram<double>? histogram, double seconds, in TagList tags)
    {
        try
        {
            histogram?.Record(seconds, tags);
        }
#pragma warning disable CA1031 // Reported.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _failures.Add(exception);
        }
    }

    // A struct of few tags: recording allocates nothing.
    private TagList Tags(EngineRequest request) => new()
    {
        new(GenAIAttributes.OperationName, request.Operation), new(GenAIAttributes.ProviderName, GenAIAttributes.Provider), _model,
    };

    private Measurement<long> Measure(DeviceMemory device, long bytes, string use) =>
        new(bytes, _model, new("gptoss.device", device.Device.ToString()), new("gptoss.memory_use", use));

    private Measurement<T> Measure<T>(T value)
        where T : struct => new(value, _model);

    private Measurement<T> Measure<T>(T value, string tag, string of)
        where T : struct => new(value, _model, new(tag, of));
}
