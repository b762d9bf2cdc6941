using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace GptOss.Net.Engine.Telemetry;

/// <summary>The instruments of a meter: OpenTelemetry's <c>gen_ai.server</c>, and vLLM's for what those do not have.</summary>
/// <remarks>
/// One set for all models that share the meter, one after the other or at once: a factory's meter outlives them. Counts and levels are
/// read from the models that are there when somebody collects, so that they cost the engine nothing.
/// </remarks>
internal sealed class EngineInstruments
{
    // As the conventions ask for.
    private static readonly double[] DurationBuckets =
        [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

    private static readonly double[] TokenBuckets = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5];

    private static readonly double[] FirstTokenBuckets =
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

    private static readonly ConditionalWeakTable<Meter, EngineInstruments> OfMeters = [];

    private readonly Meter _meter;
    private ImmutableArray<EngineMeter> _models = [];

    private EngineInstruments(Meter meter, ListenerFailures failures)
    {
        _meter = meter;
        Duration = Seconds(failures, "gen_ai.server.request.duration", "Time from the request to its last token.", DurationBuckets);
        TimeToFirstToken = Seconds(
            failures, "gen_ai.server.time_to_first_token", "Time from the request to its first token.", FirstTokenBuckets);
        TimePerOutputToken = Seconds(
            failures, "gen_ai.server.time_per_output_token", "Mean time of each token after the first.", TokenBuckets);
        TimeBetweenTokens = Seconds(failures, "gptoss.inter_token_latency", "Time between one token and the next.", TokenBuckets);
        QueueTime = Seconds(failures, "gptoss.request_queue_time", "Time from the request to its first step.", DurationBuckets);

        failures.Guard(() => AddLevels());
        failures.Guard(() => AddCounts());
    }

    // Null when a listener threw while it was made.
    public Histogram<double>? Duration { get; }

    public Histogram<double>? TimeToFirstToken { get; }

    public Histogram<double>? TimePerOutputToken { get; }

    public Histogram<double>? TimeBetweenTokens { get; }

    public Histogram<double>? QueueTime { get; }

    /// <summary>The instruments of a meter, made when they are first asked for.</summary>
    public static EngineInstruments Of(Meter meter, ListenerFailures failures)
    {
        lock (OfMeters)
        {
            return OfMeters.GetValue(meter, of => new EngineInstruments(of, failures));
        }
    }

    /// <summary>From now on the model is measured.</summary>
    public void Add(EngineMeter model) => ImmutableInterlocked.Update(ref _models, static (models, added) => models.Add(added), model);

    /// <summary>From now on the model has no measurements.</summary>
    public void Remove(EngineMeter model) =>
        ImmutableInterlocked.Update(ref _models, static (models, removed) => models.Remove(removed), model);

    private void AddLevels()
    {
        Level("gptoss.num_requests_running", "{request}", "Requests that are computed.", static model => model.Running);
        Level("gptoss.num_requests_waiting", "{request}", "Requests that wait.", static model => model.Waiting);
        Level("gptoss.kv_cache_usage", "1", "Used share of the cache's blocks, 0 to 1.", static model => model.CacheShares);
        Level("gptoss.kv_cache_used", "By", "Used bytes of the cache.", static model => model.CacheBytes);
        Level("gptoss.device_memory", "By", "Memory of the model's devices.", static model => model.DeviceMemory);
    }

    private void AddCounts()
    {
        Count("gptoss.requests", "{request}", "Requests that ended.", static model => model.Outcomes);
        Count("gptoss.num_preemptions", "{preemption}", "How often a request gave up its blocks.", static model => model.Preemptions);
        Count("gptoss.prompt_tokens", "{token}", "Tokens of prompts that began to run.", static model => model.PromptTokens);
        Count("gptoss.generation_tokens", "{token}", "Tokens generated.", static model => model.GeneratedTokens);
        Count("gptoss.prefix_cache_queries", "{token}", "Tokens looked for in the cache.", static model => model.PromptTokens);
        Count("gptoss.prefix_cache_hits", "{token}", "Tokens found in the cache.", static model => model.CachedTokens);
    }

    private Histogram<double>? Seconds(ListenerFailures failures, string name, string description, double[] buckets)
    {
        Histogram<double>? histogram = null;
        failures.Guard(() => histogram = _meter.CreateHistogram(
            name, "s", description, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets }));
        return histogram;
    }

    private void Level<T>(string name, string unit, string description, Func<EngineMeter, IEnumerable<Measurement<T>>> measure)
        where T : struct => _meter.CreateObservableGauge(name, () => _models.SelectMany(measure), unit, description);

    private void Count(string name, string unit, string description, Func<EngineMeter, IEnumerable<Measurement<long>>> measure) =>
        _meter.CreateObservableCounter(name, () => _models.SelectMany(measure), unit, description);
}
