using System.Diagnostics;
using System.Diagnostics.Metrics;
using GptOss.Net.KVCache;

namespace GptOss.Net.Engine.Telemetry;

/// <summary>The instruments of one model: OpenTelemetry's <c>gen_ai.server</c>, and vLLM's for what those do not have.</summary>
/// <remarks>
/// Counts and levels are read from <see cref="EngineCounters"/> when somebody collects, so that they cost the engine nothing. A
/// factory's meter outlives the model; its instruments then have no measurements.
/// </remarks>
internal sealed class EngineMeter : IDisposable
{
    // As the conventions ask for.
    private static readonly double[] DurationBuckets =
        [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    private static readonly double[] TokenBuckets = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];

    private static readonly double[] FirstTokenBuckets =
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

    private readonly ListenerFailures _failures;
    private readonly Meter? _own;
    private readonly Meter _meter;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _timeToFirstToken;
    private readonly Histogram<double> _timePerOutputToken;
    private readonly Histogram<double> _timeBetweenTokens;
    private readonly Histogram<double> _queueTime;
    private readonly KeyValuePair<string, object?> _model;
    private volatile bool _isDisposed;

    public EngineMeter(EngineCounters counters, EngineOptions options, ListenerFailures failures)
    {
        _failures = failures;
        _model = new(GenAIAttributes.RequestModel, options.ModelName);
        _own = options.MeterFactory is null ? new Meter(GptOssTelemetry.MeterName) : null;
        _meter = _own ?? options.MeterFactory!.Create(new MeterOptions(GptOssTelemetry.MeterName));

        _duration = Seconds("gen_ai.server.request.duration", "Time from the request to its last token.", DurationBuckets);
        _timeToFirstToken = Seconds("gen_ai.server.time_to_first_token", "Time from the request to its first token.", FirstTokenBuckets);
        _timePerOutputToken = Seconds("gen_ai.server.time_per_output_token", "Mean time of each token after the first.", TokenBuckets);
        _timeBetweenTokens = Seconds("gptoss.inter_token_latency", "Time between one token and the next.", TokenBuckets);
        _queueTime = Seconds("gptoss.request_queue_time", "Time from the request to its first step.", DurationBuckets);

        Level<long>("gptoss.num_requests_running", "{request}", "Requests that are computed.", () => [Measure<long>(counters.Running)]);
        Level<long>("gptoss.num_requests_waiting", "{request}", "Requests that wait.", () => [Measure<long>(counters.Waiting)]);
        Level<double>("gptoss.kv_cache_usage", "1", "Used share of the cache's blocks, 0 to 1.", () => Shares(counters.CacheUsage));
        Level<long>("gptoss.kv_cache_used", "By", "Used bytes of the cache.", () => UsedBytes(options.DeviceBlocks, counters.CacheUsage));
        Count("gptoss.requests", "{request}", "Requests that ended.", () => Outcomes(counters));
        Count("gptoss.num_preemptions", "{preemption}", "How often a request gave up its blocks.", () => [Measure(counters.Preemptions)]);
        Count("gptoss.prompt_tokens", "{token}", "Tokens of prompts that began to run.", () => [Measure(counters.PromptTokens)]);
        Count("gptoss.generation_tokens", "{token}", "Tokens generated.", () => [Measure(counters.GeneratedTokens)]);
        Count("gptoss.prefix_cache_queries", "{token}", "Tokens looked for in the cache.", () => [Measure(counters.PromptTokens)]);
        Count("gptoss.prefix_cache_hits", "{token}", "Tokens found in the cache.", () => [Measure(counters.CachedTokens)]);
    }

    public void RecordQueueTime(EngineRequest request, double seconds) => Record(_queueTime, seconds, Tags(request));

    public void RecordTimeBetweenTokens(EngineRequest request, double seconds) =>
        Record(_timeBetweenTokens, seconds, Tags(request));

    public void RecordFailure(EngineRequest request, double duration, Exception exception)
    {
        var tags = Tags(request);
        tags.Add(GenAIAttributes.ErrorType, exception.GetType().FullName);
        Record(_duration, duration, tags);
    }

    public void RecordSuccess(EngineRequest request, double duration, double timeToFirstToken)
    {
        var (tags, tokens) = (Tags(request), request.Progress.OutputTokens);
        Record(_duration, duration, tags);
        Record(_timeToFirstToken, timeToFirstToken, tags);
        if (tokens > 1)
        {
            Record(_timePerOutputToken, (duration - timeToFirstToken) / (tokens - 1), tags);
        }
    }

    public void Dispose()
    {
        _isDisposed = true;
        _own?.Dispose();
    }

    private void Record(Histogram<double> histogram, double seconds, in TagList tags)
    {
        try
        {
            histogram.Record(seconds, tags);
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

    private Histogram<double> Seconds(string name, string description, double[] buckets) =>
        _meter.CreateHistogram(name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });

    private void Level<T>(string name, string unit, string description, Func<IEnumerable<Measurement<T>>> measure)
        where T : struct =>
        _meter.CreateObservableGauge(name, () => _isDisposed ? [] : measure(), unit, description);

    private void Count(string name, string unit, string description, Func<IEnumerable<Measurement<long>>> measure) =>
        _meter.CreateObservableCounter(name, () => _isDisposed ? [] : measure(), unit, description);

    private Measurement<T> Measure<T>(T value)
        where T : struct => new(value, _model);

    private Measurement<T> Measure<T>(T value, string tag, string of)
        where T : struct => new(value, _model, new(tag, of));

    private Measurement<double>[] Shares(KVCacheUsage usage) =>
    [
        Measure(usage.FullShare, "gptoss.layer_kind", "full"), Measure(usage.SlidingShare, "gptoss.layer_kind", "sliding"),
    ];

    private IEnumerable<Measurement<long>> UsedBytes(IReadOnlyList<DeviceBlockBytes> devices, KVCacheUsage usage) =>
        devices.Select(device => Measure(device.Used(usage), "gptoss.device", device.Device.ToString()));

    private Measurement<long>[] Outcomes(EngineCounters counters) =>
    [
        Measure(counters.Finished, "gptoss.outcome", "finished"),
        Measure(counters.Cancelled, "gptoss.outcome", "cancelled"),
        Measure(counters.Failed, "gptoss.outcome", "failed"),
        Measure(counters.Refused, "gptoss.outcome", "refused"),
    ];
}
