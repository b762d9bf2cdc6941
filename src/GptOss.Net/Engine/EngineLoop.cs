using System.Threading.Channels;
using GptOss.Net.Execution;
using GptOss.Net.Scheduling;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine;

/// <summary>
/// The thread that owns the model's tensors: it plans steps, runs them, commits and hands out the logits, as long as there
/// are requests. Everybody else talks to it through <see cref="Submit"/>.
/// </summary>
internal sealed partial class EngineLoop : IAsyncDisposable
{
    private readonly Scheduler _scheduler;
    private readonly IModelExecutor _executor;
    private readonly EngineOptions _options;
    private readonly ILogger _logger;
    private readonly BatchSampler _sampler = new();
    private readonly Channel<EngineRequest> _inbox = Channel.CreateUnbounded<EngineRequest>(new() { SingleReader = true });
    private readonly Dictionary<Sequence, EngineRequest> _requests = [];
    private readonly Queue<StepPlan> _inFlight = new();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private volatile Exception? _fault;
    private int _requestCount;

    /// <summary>Starts the thread, which owns <paramref name="executor"/> from now on.</summary>
    public EngineLoop(Scheduler scheduler, IModelExecutor executor, EngineOptions options)
    {
        (_scheduler, _executor, _options, _logger) = (scheduler, executor, options, options.Logger);
        new Thread(Run) { IsBackground = true, Name = "GptOss.Net engine" }.Start();
    }

    /// <summary>Gets whether requests are served.</summary>
    public ModelHealth Health =>
        _fault is not null ? ModelHealth.Faulted : _stopping.IsCancellationRequested ? ModelHealth.Disposed : ModelHealth.Ready;

    /// <summary>Queues a request and its followers; from any thread.</summary>
    /// <exception cref="GptOssBusyException">Too many requests run or wait.</exception>
    /// <exception cref="ObjectDisposedException">The engine was stopped.</exception>
    /// <exception cref="GptOssException">The engine stopped because of an error.</exception>
    public void Submit(EngineRequest request)
    {
        var added = 1 + request.Followers.Count;
        if (Interlocked.Add(ref _requestCount, added) > _options.MaxRequests)
        {
            Interlocked.Add(ref _requestCount, -added);
            throw new GptOssBusyException(_options.MaxRequests);
        }

        if (!_inbox.Writer.TryWrite(request))
        {
            throw _fault is { } fault ? Stopped(fault) : new ObjectDisposedException(nameof(GptOssModel));
        }
    }

    /// <summary>Cancels what is in flight, stops the thread and frees the executor.</summary>
    public async ValueTask DisposeAsync()
    {
        _inbox.Writer.TryComplete();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _stopped.Task.ConfigureAwait(false);
    }

    private static GptOssException Stopped(Exception fault) =>
        new("The engine stopped because of an error; load the model again.", fault);

    private void Run()
    {
        try
        {
            Serve();
            _stopped.TrySetResult();
        }
#pragma warning disable CA1031 // The last resort of a thread: an exception that leaves it ends the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _stopped.TrySetException(exception);
        }
    }

    /// <summary>Whatever happens, every request ends and the executor is freed.</summary>
    private void Serve()
    {
        try
        {
            while (ReceiveRequests())
            {
                RemoveEnded();
                BeginSteps();
                if (_inFlight.TryDequeue(out var plan))
                {
                    CompleteStep(plan);
                }
            }

            AbandonSteps();
            var disposed = new ObjectDisposedException(nameof(GptOssModel), "The model was disposed while it generated.");
            EndAll(_requests.Values, disposed);
            FailAll(disposed);
        }
        catch (Exception exception)
        {
            _fault = exception;
            _inbox.Writer.TryComplete();
            FailAll(Stopped(exception));
            LogStopped(exception);
            throw;
        }
        finally
        {
            _executor.Dispose();
        }
    }

    /// <summary>Takes in what was submitted; waits for it when there is nothing else to do.</summary>
    /// <returns><see langword="false"/> when the engine is to stop.</returns>
    private bool ReceiveRequests()
    {
        if (_requests.Count == 0)
        {
            _inbox.Reader.WaitToReadAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();
        }

        while (!_stopping.IsCancellationRequested && _inbox.Reader.TryRead(out var request))
        {
            _requests.Add(request.Sequence, request);
            _scheduler.Add(request.Sequence);
            foreach (var follower in request.Followers)
            {
                _requests.Add(follower.Sequence, follower);
            }
        }

        return !_stopping.IsCancellationRequested;
    }

    /// <summary>Ends what was cancelled, is late or has failed, unless a step computes it: that step's end is waited for.</summary>
    private void RemoveEnded()
    {
        var now = _options.TimeProvider.GetTimestamp();
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
        while (_inFlight.Count < _executor.MaxStepsInFlight && _scheduler.Plan() is { IsEmpty: false } plan)
        {
            _executor.Begin(StepBatchBuilder.Build(plan));
            _inFlight.Enqueue(plan);
            Prepare(plan);
        }
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
            result = _executor.Complete();
        }
#pragma warning disable CA1031 // Whatever the executor throws ends the requests that run, not the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            FailStep(plan, exception);
            return;
        }

        var rowCounts = plan.Chunks.Select(StepBatchBuilder.RowCount).ToArray();
        _scheduler.Commit(plan);
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
            if (_scheduler.TryFork(request.Sequence, follower.Sequence))
            {
                deliveries.Add(new RowDelivery(follower, new StepResult(result.Row(row).ToArray(), result.VocabularySize), 0, 1));
            }
        }
    }

    private void Conclude(RowDelivery delivery)
    {
        if (delivery.Failure is NonFiniteLogitsException)
        {
            // What the sequence wrote may be not finite either.
            _scheduler.ForgetPrefixes();
        }

        if (delivery.IsComplete || delivery.Failure is not null)
        {
            End(delivery.Request, delivery.Failure);
        }
    }

    /// <summary>Ends everything that runs; what waits goes on if the executor can.</summary>
    private void FailStep(StepPlan plan, Exception exception)
    {
        _scheduler.Abandon(plan);
        LogStepFailed(exception);
        AbandonSteps();
        EndAll(
            _requests.Values.Where(request => request.Sequence.Status == SequenceStatus.Running),
            new GptOssException($"A step of the model failed: {exception.Message}", exception));

        if (!_executor.CanContinue())
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
                _executor.Complete();
            }
#pragma warning disable CA1031 // What the step gave is not wanted any more.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                LogStepFailed(exception);
            }

            _scheduler.Abandon(plan);
        }
    }

    private void End(EngineRequest request, Exception? exception)
    {
        _requests.Remove(request.Sequence);
        _scheduler.Remove(request.Sequence);
        Interlocked.Decrement(ref _requestCount);
        if (exception is not null)
        {
            request.Fail(exception);
        }

        foreach (var follower in request.Followers.Where(follower => follower.Sequence.Status == SequenceStatus.New))
        {
            // The prompt will not be computed for them.
            _scheduler.Add(follower.Sequence);
        }
    }

    private void EndAll(IEnumerable<EngineRequest> requests, Exception exception)
    {
        foreach (var request in requests.ToArray())
        {
            End(request, exception);
        }
    }

    /// <summary>Tells everybody, whatever state the engine is in.</summary>
    private void FailAll(Exception exception)
    {
        foreach (var request in _requests.Values)
        {
            request.Fail(exception);
        }

        _requests.Clear();
        while (_inbox.Reader.TryRead(out var request))
        {
            request.Fail(exception);
        }
    }

    [LoggerMessage(LogLevel.Error, "A step of the model failed.")]
    private partial void LogStepFailed(Exception exception);

    [LoggerMessage(LogLevel.Critical, "The engine stopped.")]
    private partial void LogStopped(Exception exception);
}
