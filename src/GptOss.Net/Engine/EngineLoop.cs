using System.Threading.Channels;
using GptOss.Net.Execution;
using GptOss.Net.Scheduling;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine;

/// <summary>
/// The thread that owns the model's tensors: it plans a step, runs it, hands out the logits and commits, as long as there
/// are requests. Everybody else talks to it through <see cref="Submit"/>.
/// </summary>
internal sealed partial class EngineLoop : IAsyncDisposable
{
    private readonly Scheduler _scheduler;
    private readonly IModelExecutor _executor;
    private readonly ILogger _logger;
    private readonly Channel<EngineRequest> _inbox = Channel.CreateUnbounded<EngineRequest>(new() { SingleReader = true });
    private readonly Dictionary<Sequence, EngineRequest> _requests = [];
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();

    /// <summary>Starts the thread, which owns <paramref name="executor"/> from now on.</summary>
    public EngineLoop(Scheduler scheduler, IModelExecutor executor, ILogger logger)
    {
        (_scheduler, _executor, _logger) = (scheduler, executor, logger);
        new Thread(Run) { IsBackground = true, Name = "GptOss.Net engine" }.Start();
    }

    /// <summary>Queues a request; from any thread.</summary>
    /// <exception cref="ObjectDisposedException">The engine was stopped.</exception>
    public void Submit(EngineRequest request) =>
        ObjectDisposedException.ThrowIf(!_inbox.Writer.TryWrite(request), typeof(GptOssModel));

    /// <summary>Cancels what is in flight, stops the thread and frees the executor.</summary>
    public async ValueTask DisposeAsync()
    {
        _inbox.Writer.TryComplete();
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _stopped.Task.ConfigureAwait(false);
    }

    private void Run()
    {
        try
        {
            while (ReceiveRequests())
            {
                RemoveCancelled();
                var plan = _scheduler.Plan();
                if (!plan.IsEmpty)
                {
                    RunStep(plan);
                }
            }

            FailAll(new ObjectDisposedException(nameof(GptOssModel), "The model was disposed while it generated."));
            _executor.Dispose();
            _stopped.TrySetResult();
        }
#pragma warning disable CA1031 // The last resort of a thread: whoever waits must learn why it ended.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _inbox.Writer.TryComplete();
            FailAll(exception);
            LogStopped(exception);
            _stopped.TrySetException(exception);
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
        }

        return !_stopping.IsCancellationRequested;
    }

    private void RemoveCancelled()
    {
        foreach (var request in _requests.Values.Where(request => request.IsCancelled).ToArray())
        {
            End(request, new OperationCanceledException(request.CancellationToken));
        }
    }

    private void RunStep(StepPlan plan)
    {
        try
        {
            var result = _executor.Execute(StepBatchBuilder.Build(plan));
            HandOut(plan, result);
            _scheduler.Commit(plan);
        }
#pragma warning disable CA1031 // Whatever the executor throws ends the requests in flight, not the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            LogStepFailed(exception);
            FailAll(new GptOssException("A step of the model failed; the requests in flight were ended.", exception));
        }
    }

    private void HandOut(StepPlan plan, StepResult result)
    {
        var row = 0;
        foreach (var chunk in plan.Chunks)
        {
            var request = _requests[chunk.Sequence];
            var rowCount = StepBatchBuilder.RowCount(chunk);
            HandOut(request, result, row, rowCount);
            row += rowCount;
        }
    }

    /// <summary>One sequence's failure, such as logits that are not finite, ends that sequence alone.</summary>
    private void HandOut(EngineRequest request, StepResult result, int firstRow, int rowCount)
    {
        if (rowCount == 0)
        {
            return;
        }

        try
        {
            if (request.Accept(result, firstRow, rowCount))
            {
                End(request, null);
            }
        }
#pragma warning disable CA1031 // Reported to the request's owner.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            End(request, exception);
        }
    }

    private void End(EngineRequest request, Exception? exception)
    {
        _requests.Remove(request.Sequence);
        _scheduler.Remove(request.Sequence);
        if (exception is not null)
        {
            request.Fail(exception);
        }
    }

    private void FailAll(Exception exception)
    {
        foreach (var request in _requests.Values.ToArray())
        {
            End(request, exception);
        }

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
