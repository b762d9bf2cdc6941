namespace GptOss.Net.Execution.Cpu;

/// <summary>Where the threads of a step meet between its phases. They spin: a phase takes microseconds.</summary>
internal sealed class StepBarrier(int threads)
{
    // Spins before the processor is offered to others, who may be what is waited for.
    private const int SpinsBeforeYield = 4000;

    private readonly int _threads = threads;
    private volatile bool _isBroken;
    private int _missing = threads;
    private volatile int _generation;

    /// <summary>Waits for all threads.</summary>
    /// <exception cref="InvalidOperationException">Another thread failed and will not come.</exception>
    public void Wait()
    {
        var generation = _generation;
        if (Interlocked.Decrement(ref _missing) == 0)
        {
            _missing = _threads;
            _generation = generation + 1;
            return;
        }

        for (var spins = 0; _generation == generation; spins++)
        {
            if (_isBroken)
            {
                throw new InvalidOperationException("Another thread of the step failed.");
            }

            if (spins < SpinsBeforeYield)
            {
                Thread.SpinWait(1);
            }
            else
            {
                Thread.Yield();
            }
        }
    }

    /// <summary>Releases the threads that wait, with an exception; called by the one that cannot come.</summary>
    public void Break() => _isBroken = true;

    /// <summary>Makes the barrier as new; no thread may be at it.</summary>
    public void Reset()
    {
        _isBroken = false;
        _missing = _threads;
    }
}
