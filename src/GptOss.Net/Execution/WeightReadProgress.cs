namespace GptOss.Net.Execution;

/// <summary>Counts the bytes that were read from a checkpoint, and stops the reading when loading is cancelled.</summary>
/// <remarks>Threads may read side by side; reports never go down.</remarks>
internal sealed class WeightReadProgress(long totalBytes, Action<long, long> report, CancellationToken cancellationToken)
{
    private readonly Lock _gate = new();
    private long _readBytes;

    /// <summary>Gets what is told how many units of kernels are compiled, and of how many; any thread.</summary>
    public Action<int, int>? Compiled { get; init; }

    public CancellationToken CancellationToken => cancellationToken;

    /// <summary>Adds what was just read.</summary>
    /// <exception cref="OperationCanceledException">Loading was cancelled.</exception>
    public void Add(long bytes)
    {
        lock (_gate)
        {
            // An executor may read tied weights twice.
            _readBytes = Math.Min(totalBytes, _readBytes + bytes);
            report(_readBytes, totalBytes);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Everything is read, what was too small to be reported by itself included.</summary>
    /// <exception cref="OperationCanceledException">Loading was cancelled.</exception>
    public void Complete()
    {
        lock (_gate)
        {
            if (_readBytes == totalBytes)
            {
                return;
            }
        }

        Add(totalBytes);
    }
}
