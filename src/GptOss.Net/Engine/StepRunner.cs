using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Execution;
using GptOss.Net.Scheduling;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine;

/// <summary>
/// Plans steps, runs them, commits them and hands out their logits; ends requests. Used by one thread, the engine's.
/// </summary>
internal sealed partial class StepRunner(
    Scheduler scheduler, IModelExecutor executor, RequestLimit limit, EngineTelemetry telemetry, EngineOptions options) : IDisposable
{
    private readonly ILogger _logger = options.Logger;
    private readonly HostSampler _sampler = new();
    private readonly Dictionary<Sequence, EngineRequest> _requests = [];
    private readonly Queue<(StepInFlight Step, StepBatch Batch)> _inFlight = new();
    private readonly Stack<StepInFlight> _idleSteps = new();
    private readonly List<EngineRequest> _ended = [];
    private readonly StepSlowdown _slowdown = new();
    private StepPlan? _newest; // of the steps in flight
    private long _lastCompleted;

    /// <summary>Gets a value indicating whether there are no requests, and no steps that ran ahead of those that have ended.</summary>
    public bool IsIdle => _requests.Count == 0 && _inFlight.Count == 0;

    /// <summary>Queues a request; its followers wait until its prompt is computed.</summary>
    public void Add(EngineRequest request)
    {
        _requests.Add(request.Sequence, request);
        scheduler.Add(request.Sequence);
        foreach (var follower in request.Followers)
        {
            _requests.Add(follower.Sequence, follower);
        }
    }

    /// <summary>Ends what is to end, begins what can be begun and waits for the oldest step.</summary>
    /// <exception cref="GptOssException">A device is lost: no later step could work.</exception>
    public void RunNext()
    {
        RemoveEnded();
        if (scheduler.NextWaiting is { } first && !scheduler.CanHold(first))
        {
            EndUnfit(first);
        }

        BeginSteps();
        if (_inFlight.TryDequeue(out var oldest))
        {
            CompleteStep(oldest.Step, oldest.Batch);
            _idleSteps.Push(oldest.Step);
        }
        else if (scheduler.NextWaiting is { } stuck)
        {
            // Nothing runs, and still it cannot begin: it never will.
            EndUnfit(stuck);
        }

        telemetry.Publish(scheduler);
    }

    /// <summary>Ends all requests in good order.</summary>
    public void Stop(Exception exception)
    {
        AbandonSteps();
        EndAll(_requests.Values, exception);
    }

    /// <summary>Tells all callers that their request failed, whatever state the engine is in.</summary>
    public void FailAll(Exception exception)
    {
        foreach (var request in _requests.Values)
        {
            telemetry.End(request, exception);
            request.Fail(exception);
        }

        _requests.Clear();
    }

    public void Dispose() => _sampler.Dispose();

    /// <summary>Ends what was cancelled, is late or has failed, unless a step computes it: that step's end is waited for.</summary>
    private void RemoveEnded()
    {
        // Nothing is copied or allocated for those that go on: there may be many, and there are many steps.
        var now = options.TimeProvider.GetTimestamp();
        foreach (var request in _requests.Values)
        {
            if (!request.Sequence.IsInFlight && IsToEnd(request, now))
            {
                _ended.Add(request);
            }
        }

        foreach (var request in _ended)
        {
            End(request, request.IsCancelled ? new OperationCanceledException(request.CancellationToken)
                : request.Failure ?? new TimeoutException("The generation did not end within its timeout."));
        }

        _ended.Clear();
    }

    private void EndUnfit(Sequence sequence) => End(_requests[sequence], new GptOssException(
        $"A sequence of {sequence.Tokens.Count:N0} tokens does not fit the cache, which has room for {scheduler.CacheCapacityTokens:N0}. "
        + "Shorten it, or load the model with a smaller MaxModelLength or more memory."));

    /// <summary>Begins as many steps as the executor computes at once, each with what is wanted of its rows.</summary>
    private void BeginSteps()
    {
        while (_inFlight.Count < executor.MaxStepsInFlight && scheduler.Plan() is { IsEmpty: false } plan)
        {
            Announce(plan);
            Begin(plan);
        }

        while (_newest is { } newest && _inFlight.Count > 0 && _inFlight.Count < executor.MaxStepsInFlight + executor.MaxStepsAhead
            && scheduler.PlanAhead(newest, MayRunAhead) is { IsEmpty: false } ahead)
        {
            Begin(ahead);
        }
    }

    private void Begin(StepPlan plan)
    {
        var step = _idleSteps.TryPop(out var idle) ? idle : new StepInFlight(_requests);
        var batch = step.Pack(plan, scheduler.FreeSlots);
        step.Begun = options.TimeProvider.GetTimestamp();
        executor.Begin(batch);
        _inFlight.Enqueue((step, batch));
        _newest = plan;
    }

    /// <summary>Not who is to end as soon as no step computes it, nor whose prompt others are to go on from.</summary>
    private bool MayRunAhead(Sequence sequence)
    {
        var request = _requests[sequence];
        return !IsToEnd(request, options.TimeProvider.GetTimestamp())
            && request.CanRunAhead(sequence.StepsInFlight)
            && executor.CanSample(request.Next(0))
            && !request.Followers.Any(follower => follower.Sequence.Status == SequenceStatus.New);
    }

    private static bool IsToEnd(EngineRequest request, long now) =>
        request.IsCancelled || request.Deadline < now || request.Failure is not null;

    private void Announce(StepPlan plan)
    {
        foreach (var (sequence, tokens) in plan.Chunks)
        {
            telemetry.Begin(_requests[sequence], tokens);
        }

        telemetry.Publish(scheduler);
    }

    private void CompleteStep(StepInFlight step, StepBatch batch)
    {
        StepResult result;
        try
        {
            result = executor.Complete();
        }
#pragma warning disable CA1031 // Whatever the executor throws ends the requests that run, not the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            FailStep(step.Plan, exception);
            return;
        }

        Measure(step);
        scheduler.Commit(step.Plan);
        Deliver(step.Deliveries, result, _sampler.Sample(batch, result));
    }

    /// <summary>How long the step took, or what it added to those before it, when several are computed at once.</summary>
    private void Measure(StepInFlight step)
    {
        var now = options.TimeProvider.GetTimestamp();
        var seconds = options.TimeProvider.GetElapsedTime(Math.Max(step.Begun, _lastCompleted), now).TotalSeconds;
        _lastCompleted = now;
        scheduler.Pace.Record(step.Plan, seconds);
        if (_slowdown.Record(step.Plan, seconds))
        {
            _logger.StepsSlow(_slowdown.Ratio);
        }
    }

    /// <summary>Ends everything that runs; what waits goes on if the executor can.</summary>
    private void FailStep(StepPlan plan, Exception exception)
    {
        scheduler.Abandon(plan);
        _logger.StepFailed(exception);
        AbandonSteps();
        EndAll(
            _requests.Values.Where(request => request.Sequence.Status == SequenceStatus.Running),
            new GptOssException($"A step of the model failed: {exception.Message}", exception));

        if (!executor.CanContinue())
        {
            throw new GptOssException($"The device is lost: {exception.Message}", exception);
        }
    }

    private void AbandonSteps()
    {
        while (_inFlight.TryDequeue(out var abandoned))
        {
            try
            {
                executor.Complete();
            }
#pragma warning disable CA1031 // What the step gave is not wanted any more.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                _logger.StepFailed(exception);
            }

            scheduler.Abandon(abandoned.Step.Plan);
        }
    }

    private void End(EngineRequest request, Exception? exception)
    {
        _requests.Remove(request.Sequence);
        scheduler.Remove(request.Sequence);
        limit.Leave(1);
        telemetry.End(request, exception);
        if (exception is not null)
        {
            request.Fail(exception);
        }

        QueueFollowers(request); // the prompt will not be computed for them
    }

    private void EndAll(IEnumerable<EngineRequest> requests, Exception exception)
    {
        foreach (var request in requests.ToArray())
        {
            End(request, exception);
        }
    }
}
