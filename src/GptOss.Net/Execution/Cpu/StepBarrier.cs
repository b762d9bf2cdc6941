namespace GptOss.Net.Execution.Cpu;

/// <summary>Where the threads of a step meet between its phases.</summary>
internal sealed class StepBarrier
{
    // About 200 µs: longer than threads with a processor each are apart at the end of a phase.
    private const int MostSpins = 8_000;

    private readonly EventCount _phases = new();
    private int _threads;
    private int _missing;
    private volatile bool _isBroken;

    public StepBarrier(int threads) => Reset(threads);

    /// <summary>Waits for all threads.</summary>
    /// <exception cref="InvalidOperationException">Another thread failed and will not come.</exception>
    public void Wait()
    {
        var phase = _phases.Value;
        if (_isBroken)
        {
            throw Broken();
        }

        if (Interlocked.Decrement(ref _missing) == 0)
        {
            _missing = _threads;
            _phases.Advance();
            return;
        }

        _phases.WaitWhile(phase, MostSpins);
        if (_isBroken)
        {
            throw Broken();
        }
    }

    /// <summary>Releases the threads that wait, with an exception; called by the one that cannot come.</summary>
    public void Break()
    {
        _isBroken = true;
        _phases.Advance();
    }

    /// <summary>Makes the barrier as new, for so many threads; none may be at it.</summary>
    public void Reset(int threads)
    {
        _threads = _missing = threads;
        _isBroken = false;
    }

    private static InvalidOperationException Broken() => new("Another thread of the step failed.");
}
