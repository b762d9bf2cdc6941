namespace GptOss.Net.Throughput.Soak;

/// <summary>How the requests of a soak ended. Counted by many threads.</summary>
internal sealed class SoakCounts
{
    private const int MostReported = 10;

    private long _finished;
    private long _cancelled;
    private long _abandoned;
    private long _refused;
    private long _busy;
    private long _unexpected;

    /// <summary>Gets how many requests ended, in whatever way.</summary>
    public long Total => _finished + _cancelled + _abandoned + _refused + _busy + _unexpected;

    /// <summary>Gets how many ended as they should not.</summary>
    public long Unexpected => Interlocked.Read(ref _unexpected);

    public void Finished() => Interlocked.Increment(ref _finished);

    public void Cancelled() => Interlocked.Increment(ref _cancelled);

    public void Abandoned() => Interlocked.Increment(ref _abandoned);

    public void Refused() => Interlocked.Increment(ref _refused);

    public void Busy() => Interlocked.Increment(ref _busy);

    public void NotExpected(string what)
    {
        if (Interlocked.Increment(ref _unexpected) <= MostReported)
        {
            Console.WriteLine($"not expected: {what}");
        }
    }

    public override string ToString() =>
        $"{Total:N0} requests: {_finished:N0} finished, {_cancelled:N0} cancelled, {_abandoned:N0} abandoned, "
        + $"{_refused:N0} bad and refused, {_busy:N0} too many at once, {_unexpected:N0} not as expected";
}
