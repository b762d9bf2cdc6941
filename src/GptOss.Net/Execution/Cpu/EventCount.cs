using System.Runtime.CompilerServices;
using GptOss.Net.Interop;

namespace GptOss.Net.Execution.Cpu;

/// <summary>A count that some threads advance and others wait for. Who waits spins for a moment, then sleeps.</summary>
/// <remarks>
/// A phase of a step takes microseconds, so that spinning is what costs least while every thread has a processor. When it has not,
/// whoever spins takes the processor from what it waits for: sleeping gives it away, and the system lets those go first that slept.
/// Which of the two it is shows in the waits before: spinning that ended in sleep was for nothing, and the next is half as long; one that
/// did not makes it an eighth longer. All who sleep are woken by one call where the system has one: on virtual machines, where waking a
/// thread takes tens of microseconds, the others would sleep meanwhile too, and so on in every phase.
/// </remarks>
internal sealed unsafe class EventCount
{
    private const int LeastSpins = 500;
    private const int LineInts = 32;

    private readonly object _gate = new();
    private readonly int[] _lines = GC.AllocateArray<int>(2 * LineInts, pinned: true);
    private readonly int* _value; // in the middle of these: what else is written disturbs nobody who looks at it
    private int _sleepers;
    private int _spins = LeastSpins; // before sleeping; several may change it at once, which does no harm

    public EventCount() => _value = (int*)Unsafe.AsPointer(ref _lines[LineInts]);

    public int Value => Volatile.Read(ref *_value);

    public void Advance()
    {
        // A full fence: a sleeper that is not seen here sees the new value.
        Interlocked.Increment(ref *_value);
        if (Volatile.Read(ref _sleepers) == 0)
        {
            return;
        }

        if (Futex.IsSupported)
        {
            Futex.WakeAll(_value);
            return;
        }

        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Waits until the count is another than <paramref name="value"/>.</summary>
    /// <param name="value">What it was.</param>
    /// <param name="mostSpins">How often to look before sleeping at most, about 25 ns each.</param>
    public void WaitWhile(int value, int mostSpins)
    {
        var spins = Math.Min(_spins, mostSpins);
        for (var spin = 0; spin < spins; spin++)
        {
            if (Value != value)
            {
                _spins = Math.Min(spins + (spins / 8), mostSpins);
                return;
            }

            Thread.SpinWait(1);
        }

        _spins = Math.Max(spins / 2, LeastSpins);
        Sleep(value);
    }

    private void Sleep(int value)
    {
        // A full fence: whoever advances from now on wakes.
        Interlocked.Increment(ref _sleepers);
        if (Futex.IsSupported)
        {
            while (Value == value)
            {
                Futex.Wait(_value, value);
            }
        }
        else
        {
            lock (_gate)
            {
                while (Value == value)
                {
                    Monitor.Wait(_gate);
                }
            }
        }

        Interlocked.Decrement(ref _sleepers);
    }
}
