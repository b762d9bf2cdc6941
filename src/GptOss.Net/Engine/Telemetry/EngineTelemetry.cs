using System.Diagnostics;
using GptOss.Net.Scheduling;

namespace GptOss.Net.Engine.Telemetry;

/// <summary>
/// What the engine tells of itself: counters, instruments and spans. Used by the engine's thread unless stated otherwise; nothing that
/// happens for each token allocates.
/// </summary>
internal sealed class EngineTelemetry : IDisposable
{
    private readonly EngineOptions _options;
    private readonly TimeProvider _time;
    private readonly ListenerFailures _failures;
    private readonly EngineMeter _meter;

    public EngineTelemetry(EngineOptions options)
    {
        (_options, _time) = (options, options.TimeProvider);
        Counters = new EngineCounters(_time);
        _failures = new ListenerFailures(options.Logger);
        _meter = new EngineMeter(Counters, options, _failures);
    }

    /// <summary>Gets the counters; any thread may read them.</summary>
    public EngineCounters Counters { get; }

    /// <summary>A request and its followers arrive; from the caller's thread, before the engine knows them.</summary>
    public void Arrive(EngineRequest request)
    {
        var (now, parent, isUsageReported) =
            (_time.GetTimestamp(), Activity.Current?.Context ?? default, RequestActivity.IsWithinChat(Activity.Current));
        Counters.Accept(1 + request.Followers.Count);
        Stamp(request);
        foreach (var follower in request.Followers)
        {
            Stamp(follower);
        }

        void Stamp(EngineRequest arrived) =>
            (arrived.Progress.Arrived, arrived.Progress.Parent, arrived.Progress.IsUsageReported) = (now, parent, isUsageReported);
    }

    /// <summary>They were not taken after all; from the caller's thread.</summary>
    public void Withdraw(EngineRequest request) => Counters.Accept(-(1 + request.Followers.Count));

    /// <summary>There were too many already; from the caller's thread.</summary>
    public void Refuse(EngineRequest request) => Counters.Refuse(1 + request.Followers.Count);

    /// <summary>A step begins that computes some tokens of a request.</summary>
    public void Begin(EngineRequest request, int tokens)
    {
        Start(request);
        var promptTokens = Math.Min(tokens, request.Sequence.PromptLength - request.Sequence.Blocks.ComputedTokens);
        if (promptTokens > 0)
        {
            Counters.PromptRate.Add(promptTokens);
        }
    }

    /// <summary>A token was sampled.</summary>
    public void Deliver(EngineRequest request)
    {
        var (now, progress) = (_time.GetTimestamp(), request.Progress);
        if (request.Sequence.WantsAllLogits)
        {
            return;
        }

        Start(request); // Who shares another request's prompt has a token before any step of its own.
        if (progress.OutputTokens++ == 0)
        {
            progress.FirstToken = now;
            Counters.TimeToFirstToken.Record(Seconds(progress.Arrived, now));
        }
        else
        {
            var seconds = Seconds(progress.LastToken, now);
            Counters.TimeBetweenTokens.Record(seconds);
            _meter.RecordTimeBetweenTokens(request, seconds);
        }

        progress.LastToken = now;
        Counters.Generate(1);
        Counters.GenerationRate.Add(1);
    }

    /// <summary>A request ends; <see langword="null"/> for one that has all that it wanted.</summary>
    public void End(EngineRequest request, Exception? exception)
    {
        var progress = request.Progress;
        var duration = Seconds(progress.Arrived, _time.GetTimestamp());
        Counters.End(exception switch
        {
            null => RequestOutcome.Finished,
            OperationCanceledException => RequestOutcome.Cancelled,
            _ => RequestOutcome.Failed,
        });
        if (exception is null && request.FinishReason is FinishReason.Length)
        {
            Counters.LimitLength();
        }

        if (request.Sequence.WantsAllLogits)
        {
            // The conventions are about what is generated.
            return;
        }

        if (exception is null)
        {
            Counters.Duration.Record(duration);
            _meter.RecordSuccess(request, duration, Seconds(progress.Arrived, progress.FirstToken));
        }
        else
        {
            _meter.RecordFailure(request, duration, exception);
        }

        RecordActivity(request, exception);
    }

    /// <summary>The scheduler is between two steps.</summary>
    public void Publish(Scheduler scheduler) => Counters.Publish(scheduler);

    public void Dispose() => _failures.Guard(_meter.Dispose);

    private void RecordActivity(EngineRequest request, Exception? exception)
    {
        try
        {
            RequestActivity.Record(request, _options.ModelName, exception, _time);
        }
#pragma warning disable CA1031 // Reported.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            _failures.Add(failure);
        }
    }

    private void Start(EngineRequest request)
    {
        if (request.Progress.Started != 0)
        {
            return;
        }

        request.Progress.Started = _time.GetTimestamp();
        var seconds = Seconds(request.Progress.Arrived, request.Progress.Started);
        Counters.QueueTime.Record(seconds);
        _meter.RecordQueueTime(request, seconds);
    }

    private double Seconds(long from, long to) => _time.GetElapsedTime(from, to).TotalSeconds;
}
