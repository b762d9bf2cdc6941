using System.Threading.Channels;
using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Execution;
using GptOss.Net.Scheduling;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine;

/// <summary>
/// The thread that owns the model's tensors: it takes in requests and lets <see cref="StepRunner"/> run steps as long as there are
/// some. Everybody else talks to it through <see cref="Submit"/>.
/// </summary>
internal sealed partial class EngineLoop : IAsyncDisposable
{
    private readonly IModelExecutor _executor;
    private readonly StepRunner _runner;
    private readonly EngineOptions _options;
    private readonly EngineTelemetry _telemetry;
    private readonly RequestLimit _limit;
    private readonly ILogger _logger;
    private readonly Channel<EngineRequest> _inbox = Channel.CreateUnbounded<EngineRequest>(new() { SingleReader = true });
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private volatile Exception? _fault;

    /// <summary>Starts the thread, which owns <paramref name="executor"/> from now on.</summary>
    public EngineLoop(Scheduler scheduler, IModelExecutor executor, EngineOptions options)
    {
        (_executor, _options, _logger) = (executor, options, options.Logger);
        _telemetry = new EngineTelemetry(options);
        _limit = new RequestLimit(options.MaxRequests);
        _runner = new StepRunner(scheduler, executor, _limit, _telemetry, options);
        _telemetry.Publish(scheduler);

        // Unsafe: without the context of whoever loads the model, whose trace would go on here for ever.
        new Thread(Run) { IsBackground = true, Name = "GptOss.Net engine" }.UnsafeStart();
    }

    /// <summary>Gets whether requests are served.</summary>
    public ModelHealth Health =>
        _fault is not null ? ModelHealth.Faulted : _stopping.IsCancellationRequested ? ModelHealth.Disposed : ModelHealth.Ready;

    /// <summary>Gets what the engine does and has done; any thread may read it.</summary>
    public EngineCounters Counters => _telemetry.Counters;

    /// <summary>Queues a request and its followers; from any thread.</summary>
    /// <exception cref="GptOssBusyException">Too many requests run or wait.</exception>
    /// <exception cref="ObjectDisposedException">The engine was stopped.</exception>
    /// <exception cref="GptOssException">The engine stopped because of an error.</exception>
    public void Submit(EngineRequest request)
    {
        var added = 1 + request.Followers.Count;
        if (!_limit.TryEnter(added))
        {
            _telemetry.Refuse(request);
            throw new GptOssBusyException(_options.MaxRequests);
        }

        _telemetry.Arrive(request);
        if (!_inbox.Writer.TryWrite(request))
        {
            _limit.Leave(added);
            _telemetry.Withdraw(request);
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
                _runner.RunNext();
            }

            var disposed = new ObjectDisposedException(nameof(GptOssModel), "The model was disposed while it generated.");
            _runner.Stop(disposed);
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
            _runner.Dispose();
            _executor.Dispose();
            _telemetry.Dispose();
        }
    }

    /// <summary>Takes in what was submitted; waits for it when there is nothing else to do.</summary>
    /// <returns><see langword="false"/> when the engine is to stop.</returns>
    private bool ReceiveRequests()
    {
        if (_runner.IsIdle)
        {
            _inbox.Reader.WaitToReadAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult();
        }

        while (!_stopping.IsCancellationRequested && _inbox.Reader.TryRead(out var request))
        {
            _runner.Add(request);
        }

        return !_stopping.IsCancellationRequested;
    }

    /// <summary>Tells everybody, whatever state the engine is in.</summary>
    private void FailAll(Exception exception)
    {
        _runner.FailAll(exception);
        while (_inbox.Reader.TryRead(out var request))
        {
            foreach (var answer in request.Followers.Prepend(request))
            {
                _telemetry.End(answer, exception);
                answer.Fail(exception);
            }
        }
    }

    [LoggerMessage(LogLevel.Critical, "The engine stopped.")]
    private partial void LogStopped(Exception exception);
}
