namespace GptOss.Net.Engine.Telemetry;

/// <summary>Tokens a second over the last ten seconds. One thread adds, any thread reads.</summary>
internal sealed class TokenRate(TimeProvider time)
{
    private const int Seconds = 10;

    private readonly long _start = time.GetTimestamp();
    private readonly long[] _seconds = new long[Seconds]; // which second the count beside it is of, from 1
    private readonly long[] _counts = new long[Seconds];

    public void Add(int tokens)
    {
        var second = Second(out _);
        var slot = second % Seconds;
        if (_seconds[slot] != second)
        {
            Volatile.Write(ref _counts[slot], 0);
            Volatile.Write(ref _seconds[slot], second);
        }

        Volatile.Write(ref _counts[slot], _counts[slot] + tokens);
    }

    /// <summary>Returns the rate now; 0 when nothing was added for ten seconds.</summary>
    public double PerSecond()
    {
        var second = Second(out var elapsed);
        long tokens = 0;
        for (int slot = 0; slot < Seconds; slot++)
        {
            var of = Volatile.Read(ref _seconds[slot]);
            tokens += of > 0 && of > second - Seconds ? Volatile.Read(ref _counts[slot]) : 0;
        }

        // The oldest second of the window is whole, the present one is not.
        return tokens / Math.Clamp(elapsed, 1, Seconds - 1 + (elapsed % 1));
    }

    private long Second(out double elapsed)
    {
        elapsed = time.GetElapsedTime(_start).TotalSeconds;
        return 1 + (long)elapsed;
    }
}
