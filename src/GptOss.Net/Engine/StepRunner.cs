using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Execution;
using GptOss.Net.Scheduling;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine;

/// <summary>
/// Plans steps, runs them, commits them and hands out their logits; ends requests. Used by one thread, the engine's.
/// </summary>
internal sealed partial class StepRunner(
    Scheduler scheduler, IModelExecutor executor, RequestLimit limit, EngineTelemetry telemetry, EngineOptions options)
{
    private readonly ILogger _logger = options.Logger;
    private readonly BatchSampler _sampler = new();
    private readonly Dictionary<Sequence, EngineRequest> _requests = [];
    private readonly Queue<StepPlan> _inFlight = new();

    /// <summary>Gets a value indicating whether there are no requests.</summary>
    public bool IsIdle => _requests.Count == 0;

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
        BeginSteps();
        if (_inFlight.TryDequeue(out var plan))
        {
            CompleteStep(plan);
        }
        else if (scheduler.NextWaiting is { } stuck)
        {
            // Nothing runs, and still it cannot begin: it never will.
            End(_requests[stuck], new GptOssException(
                $"A sequence of {stuck.Tokens.Count:N0} tokens does not fit the cache, which has room for {scheduler.CacheCapacityTokens:N0}. "
                + "Shorten it, or load the model with a smaller MaxModelLength or more memory."));
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

    /// <summary>Ends what was cancelled, is late or has failed, unless a step computes it: that step's end is waited for.</summary>
    private void RemoveEnded()
    {
        var now = options.TimeProvider.GetTimestamp();
        foreach (var request in _requests.Values.Where(request => !request.Sequence.IsInFlight).ToArray())
        {
            var failure = request.IsCancelled ? new OperationCanceledException(request.CancellationToken)
                : request.Deadline < now ? new TimeoutException("The generation did not end within its timeout.")
                : request.Failure;
            if (failure is not null)
            {
                End(request, failure);
            }
        }
    }

    /// <summary>Begins as many steps as the executor computes at once, and prepares for their logits meanwhile.</summary>
    private void BeginSteps()
    {
        while (_inFlight.Count < executor.MaxStepsInFlight && scheduler.Plan() is { IsEmpty: false } plan)
        {
            Announce(plan);
            executor.Begin(StepBatchBuilder.Build(plan));
            _inFlight.Enqueue(plan);
            Prepare(plan);
        }
    }

    private void Announce(StepPlan plan)
    {
        foreach (var (sequence, tokens) in plan.Chunks)
        {
            telemetry.Begin(_requests[sequence], tokens);
        }

        telemetry.Publish(scheduler);
    }

    private void Prepare(StepPlan plan)
    {
        foreach (var request in plan.Chunks.Where(chunk => chunk.ReachesEnd).Select(chunk => _requests[chunk.Sequence]))
        {
            try
            {
                request.Prepare();
            }
#pragma warning disable CA1031 // Reported to the request's owner.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                request.Failure = new GptOssException($"The sequence failed: {exception.Message}", exception);
            }
        }
    }

    private void CompleteStep(StepPlan plan)
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
            FailStep(plan, exception);
            return;
        }

        var rowCounts = plan.Chunks.Select(StepBatchBuilder.RowCount).ToArray();
        scheduler.Commit(plan);
        var deliveries = Deliveries(plan, rowCounts, result);
        _sampler.Deliver(deliveries);
        foreach (var delivery in deliveries)
        {
            Conclude(delivery);
        }
    }

    private List<RowDelivery> Deliveries(StepPlan plan, int[] rowCounts, StepResult result)
    {
        var deliveries = new List<RowDelivery>(plan.Chunks.Count);
        var row = 0;
        for (var i = 0; i < rowCounts.Length; i++)
        {
            var request = _requests[plan.Chunks[i].Sequence];
            if (rowCounts[i] > 0 && request.Failure is null)
            {
                Fork(request, result, row, deliveries);
                deliveries.Add(new RowDelivery(request, result, row, rowCounts[i]));
            }

            row += rowCounts[i];
        }

        return deliveries;
    }

    /// <summary>Once a prompt is computed, its followers go on from there, each with its own copy of the logits.</summary>
    private void Fork(EngineRequest request, StepResult result, int row, List<RowDelivery> deliveries)
    {
        foreach (var follower in request.Followers.Where(follower => follower.Sequence.Status == SequenceStatus.New))
        {
            if (scheduler.TryFork(request.Sequence, follower.Sequence))
            {
                deliveries.Add(new RowDelivery(follower, new StepResult(result.Row(row).ToArray(), result.VocabularySize), 0, 1));
            }
        }
    }

    private void Conclude(RowDelivery delivery)
    {
        if (delivery.Failure is null)
        {
            telemetry.Deliver(delivery.Request);
        }

        if (delivery.Failure is NonFiniteLogitsException)
        {
            // What the sequence wrote may be not finite either.
            scheduler.ForgetPrefixes();
        }

        if (delivery.IsComplete || delivery.Failure is not null)
        {
            End(delivery.Request, delivery.Failure);
        }
    }

    /// <summary>Ends everything that runs; what waits goes on if the executor can.</summary>
    private void FailStep(StepPlan plan, Exception exception)
    {
        scheduler.Abandon(plan);
        LogStepFailed(exception);
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
        while (_inFlight.TryDequeue(out var plan))
        {
            try
            {
                executor.Complete();
            }
#pragma warning disable CA1031 // What the step gave is not wanted any more.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogStepFailed(exception);
            }

            scheduler.Abandon(plan);
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

        foreach (var follower in request.Followers.Where(follower => follower.Sequence.Status == SequenceStatus.New))
        {
            // The prompt will not be computed for them.
            scheduler.Add(follower.Sequence);
        }
    }

    private void EndAll(IEnumerable<EngineRequest> requests, Exception exception)
    {
        foreach (var request in requests.ToArray())
        {
            End(request, exception);
        }
    }

    [LoggerMessage(LogLevel.Error, "A step of the model failed.")]
    private partial void LogStepFailed(Exception exception);
}
