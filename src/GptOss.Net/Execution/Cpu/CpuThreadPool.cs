using System.Runtime.ExceptionServices;

namespace GptOss.Net.Execution.Cpu;

/// <summary>
/// The executor's own threads. Some or all of them run the same body, which shares out its work by thread index and meets at the
/// <see cref="Barrier"/>: who computes what is fixed, nothing is stolen and nothing is allocated.
/// </summary>
/// <remarks>One caller at a time; it takes part as thread 0. Between bodies the threads spin for a moment, then sleep.</remarks>
internal sealed class CpuThreadPool : IDisposable
{
    // About 100 µs: longer than sampling takes between two steps.
    private const int MostSpins = 4_000;

    private readonly Thread[] _threads;
    private readonly EventCount[] _starts; // of each thread but the caller
    private readonly EventCount _ends = new();
    private Action<int>? _body;
    private int _running;
    private Exception? _failure;

    public CpuThreadPool(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Count = ActiveCount = threads;
        Barrier = new StepBarrier(threads);
        _starts = [.. Enumerable.Range(1, threads - 1).Select(_ => new EventCount())];
        _threads =
        [
            .. _starts.Select((start, i) => new Thread(() => Work(i + 1, start)) { IsBackground = true, Name = $"GptOss.Net CPU {i + 1}" }),
        ];

        // Unsafe: without the context of whoever loads the model, which would live as long as the threads do.
        Array.ForEach(_threads, static thread => thread.UnsafeStart());
    }

    /// <summary>Gets how many threads there are, the caller's included.</summary>
    public int Count { get; }

    /// <summary>Gets how many of them run the body that runs.</summary>
    public int ActiveCount { get; private set; }

    public StepBarrier Barrier { get; }

    /// <summary>Runs <paramref name="body"/> with every index below <see cref="Count"/>; returns when all are done.</summary>
    public void Run(Action<int> body) => Run(body, Count);

    /// <summary>Runs <paramref name="body"/> with every index below <paramref name="threads"/>; the other threads sleep on.</summary>
    public void Run(Action<int> body, int threads)
    {
        ActiveCount = threads;
        Barrier.Reset(threads);
        _body = body;
        _running = threads;
        var ends = _ends.Value;
        foreach (var start in _starts.AsSpan(0, threads - 1))
        {
            start.Advance();
        }

        RunGuarded(body, 0);
        if (Interlocked.Decrement(ref _running) > 0)
        {
            _ends.WaitWhile(ends, MostSpins);
        }

        if (_failure is { } failure)
        {
            _failure = null;
            ExceptionDispatchInfo.Throw(failure);
        }
    }

    public void Dispose()
    {
        _body = null;
        Array.ForEach(_starts, static start => start.Advance());
        Array.ForEach(_threads, static thread => thread.Join());
    }

    private void Work(int index, EventCount start)
    {
        for (var round = 0; ; round++)
        {
            start.WaitWhile(round, MostSpins);
            if (_body is not { } body)
            {
                return;
            }

            RunGuarded(body, index);
            if (Interlocked.Decrement(ref _running) == 0)
            {
                _ends.Advance();
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
