using System.Collections.Concurrent;
using GptOss.Net.Engine.Telemetry;
using GptOss.Net.Execution;
using GptOss.Net.Scheduling;
using Microsoft.Extensions.Logging;

namespace GptOss.Net.Engine;

/// <summary>
/// The thread that owns the model's tensors: it takes in requests and lets <see cref="StepRunner"/> run steps as long as there are
/// some. Everybody else talks to it through <see cref="Submit"/>.
/// </summary>
/// <remarks>
/// It waits for no other thread of the process: an application whose thread pool is busy slows down its own readers only.
/// </remarks>
internal sealed class EngineLoop : IAsyncDisposable
{
    private readonly IModelExecutor _executor;
    private readonly StepRunner _runner;
    private readonly EngineOptions _options;
    private readonly EngineTelemetry _telemetry;
    private readonly RequestLimit _limit;
    private readonly ILogger _logger;
    private readonly BlockingCollection<EngineRequest> _inbox = [];
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private volatile bool _isStopping;
    private volatile Exception? _fault;

    /// <summary>Starts the thread, which owns <paramref name="executor"/> from now on.</summary>
    public EngineLoop(Scheduler scheduler, IModelExecutor executor, EngineOptions options)
    {
        options = options with { Logger = new ForeignLogger(options.Logger) };
        (_executor, _options, _logger) = (executor, options, options.Logger);
        _telemetry = new EngineTelemetry(options);
        _limit = new RequestLimit(options.MaxRequests);
        _runner = new StepRunner(scheduler, executor, _limit, _telemetry, options);
        _telemetry.Publish(scheduler);

        // Unsafe: without the context of whoever loads the model, whose trace would go on here for ever.
        _thread = new Thread(Run) { IsBackground = true, Name = "GptOss.Net engine" };
        _thread.UnsafeStart();
    }

    /// <summary>Gets whether requests are served.</summary>
    public ModelHealth Health =>
        _fault is not null ? ModelHealth.Faulted : _isStopping ? ModelHealth.Disposed : ModelHealth.Ready;

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
        if (!TrySend(request))
        {
            _limit.Leave(added);
            _telemetry.Withdraw(request);
            throw _fault is { } fault ? Stopped(fault) : new ObjectDisposedException(nameof(GptOssModel));
        }
    }

    /// <summary>
    /// Cancels what is in flight, stops the thread and frees the executor. Never fails: why an engine stopped by itself was told to those
    /// whose requests it ended, and to the log.
    /// </summary>
    public ValueTask DisposeAsync()
    {
        _isStopping = true;
        _inbox.CompleteAdding();

        // A logger or a listener may dispose of the model on the engine's thread, which cannot wait for itself.
        return Thread.CurrentThread == _thread ? ValueTask.CompletedTask : new ValueTask(_stopped.Task);
    }

    private static GptOssException Stopped(Exception fault) =>
        new("The engine stopped because of an error; load the model again.", fault);

    private bool TrySend(EngineRequest request)
    {
        try
        {
            return _inbox.TryAdd(request);
        }
        catch (InvalidOperationException) when (_inbox.IsAddingCompleted)
        {
            return false;
        }
    }

    /// <summary>
    /// Whatever happens, every request ends, the executor is freed, and nothing leaves the thread: that would end the process.
    /// </summary>
    private void Run()
    {
        try
        {
            Serve();
        }
#pragma warning disable CA1031 // Told to those who wait, and to the log.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _fault = exception;
            _inbox.CompleteAdding();
            FailAll(Stopped(exception));
            _logger.EngineStopped(exception);
        }

        Free();
        _stopped.TrySetResult();
    }

    private void Serve()
    {
        // Each step begins in the same context: whatever a listener leaves in it, such as its own span, ends with the step.
        var context = ExecutionContext.Capture()!;
        while (ReceiveRequests())
        {
            ExecutionContext.Run(context, static runner => ((StepRunner)runner!).RunNext(), _runner);
        }

        var disposed = new ObjectDisposedException(nameof(GptOssModel), "The model was disposed while it generated.");
        _runner.Stop(disposed);
        FailAll(disposed);
    }

    private void Free()
    {
        try
        {
            _runner.Dispose();
            _executor.Dispose();
        }
#pragma warning disable CA1031 // Nobody could do anything about it.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            _logger.MemoryNotFreed(exception);
        }

        _options.Promise?.Dispose();
        Counters.Close();
        _telemetry.Dispose();
    }

    /// <summary>Takes in what was submitted; waits for it when there is nothing else to do.</summary>
    /// <returns><see langword="false"/> when the engine is to stop.</returns>
    private bool ReceiveRequests()
    {
        // When nothing runs, until there is a request or no more can come.
        var wait = _runner.IsIdle ? Timeout.Infinite : 0;
        while (!_isStopping && _inbox.TryTake(out var request, wait))
        {
            _runner.Add(request);
            wait = 0;
        }

        return !_isStopping;
    }

    /// <summary>Tells everybody, whatever state the engine is in.</summary>
    private void FailAll(Exception exception)
    {
        _runner.FailAll(exception);
        while (_inbox.TryTake(out var request))
        {
            foreach (var answer in request.Followers.Prepend(request))
            {
                _telemetry.End(answer, exception);
                answer.Fail(exception);
            }
        }
    }
}
