namespace GptOss.Net.Execution;

/// <summary>Counts the bytes that were read from a checkpoint, and stops the reading when loading is cancelled.</summary>
internal sealed class WeightReadProgress(long totalBytes, Action<long, long> report, CancellationToken cancellationToken)
{
    private long _readBytes;

    /// <summary>Adds what was just read.</summary>
    /// <exception cref="OperationCanceledException">Loading was cancelled.</exception>
    public void Add(long bytes)
    {
        report(Interlocked.Add(ref _readBytes, bytes), totalBytes);
        cancellationToken.ThrowIfCancellationRequested();
    }
}
