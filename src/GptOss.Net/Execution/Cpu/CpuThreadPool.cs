using System.Runtime.ExceptionServices;

namespace GptOss.Net.Execution.Cpu;

/// <summary>
/// The executor's own threads. All of them run the same body, which shares out its work by thread index and meets at the
/// <see cref="Barrier"/>: who computes what is fixed, nothing is stolen and nothing is allocated.
/// </summary>
/// <remarks>One caller at a time; it takes part as thread 0. Between bodies the threads spin for a moment, then sleep.</remarks>
internal sealed class CpuThreadPool : IDisposable
{
    // About 100 µs: longer than sampling takes between two steps.
    private const int SpinsBeforeSleep = 4000;

    private readonly Thread[] _threads;
    private readonly object _gate = new();
    private volatile int _round;
    private volatile Action<int>? _body;
    private int _running;
    private Exception? _failure;

    public CpuThreadPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Count = threads;
        Barrier = new StepBarrier(threads);
        _threads = new Thread[threads - 1];
        for (var i = 0; i < _threads.Length; i++)
        {
            var index = i + 1;
            _threads[i] = new Thread(() => Work(index)) { IsBackground = true, Name = $"GptOss.Net CPU {index}" };
            _threads[i].Start();
        }
    }

    /// <summary>Gets how many threads run a body, the caller's included.</summary>
    public int Count { get; }

    public StepBarrier Barrier { get; }

    /// <summary>Runs <paramref name="body"/> with every index below <see cref="Count"/>; returns when all are done.</summary>
    public void Run(Action<int> body)
    {
        _running = _threads.Length;
        lock (_gate)
        {
            _body = body;
            _round++;
            Monitor.PulseAll(_gate);
        }

        RunGuarded(body, 0);
        var spins = new SpinWait();
        while (Volatile.Read(ref _running) > 0)
        {
            spins.SpinOnce(sleep1Threshold: -1);
        }

        if (_failure is { } failure)
        {
            _failure = null;
            Barrier.Reset();
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _body = null;
            _round++;
            Monitor.PulseAll(_gate);
        }

        Array.ForEach(_threads, static thread => thread.Join());
    }

    private void Work(int index)
    {
        for (var round = 1; ; round++)
        {
            WaitFor(round);
            if (_body is not { } body)
            {
                return;
            }

            RunGuarded(body, index);
            Interlocked.Decrement(ref _running);
        }
    }

    private void WaitFor(int round)
    {
        for (var spins = 0; spins < SpinsBeforeSleep; spins++)
        {
            if (_round == round)
            {
                return;
            }

            Thread.SpinWait(1);
        }

        lock (_gate)
        {
            while (_round != round)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    private void RunGuarded(Action<int> body, int index)
    {
        try
        {
            body(index);
        }
        catch (Exception exception)
        {
            // The first failure is the cause; those that follow are its barrier's.
            Interlocked.CompareExchange(ref _failure, exception, null);
            Barrier.Break();
        }
    }
}
