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
                RemoveCancelled();
                var plan = _scheduler.Plan();
                if (!plan.IsEmpty)
                {
                    RunStep(plan);
                }
            }

            FailAll(new ObjectDisposedException(nameof(GptOssModel), "The model was disposed while it generated."));
        }
        catch (Exception exception)
        {
            _inbox.Writer.TryComplete();
            FailAll(new GptOssException("The engine stopped because of an error of its own; load the model again.", exception));
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
        StepResult result;
        try
        {
            result = _executor.Execute(StepBatchBuilder.Build(plan));
        }
#pragma warning disable CA1031 // Whatever the executor throws ends the requests that it computed, not the process.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            foreach (var request in plan.Chunks.Select(chunk => _requests[chunk.Sequence]).ToArray())
            {
                End(request, new GptOssException($"A step of the model failed: {exception.Message}", exception));
            }

            LogStepFailed(exception);
            return;
        }

        HandOut(plan, result);
        _scheduler.Commit(plan);
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
            End(request, exception as GptOssException ?? new GptOssException($"The sequence failed: {exception.Message}", exception));
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
