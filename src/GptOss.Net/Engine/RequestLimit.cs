namespace GptOss.Net.Engine;

/// <summary>Counts the requests that run or wait, and refuses more than there may be. Thread-safe.</summary>
internal sealed class RequestLimit(int maxRequests)
{
    private int _count;

    /// <exception cref="GptOssBusyException">There would be too many.</exception>
    public void Enter(int count)
    {
        if (Interlocked.Add(ref _count, count) > maxRequests)
        {
            Leave(count);
            throw new GptOssBusyException(maxRequests);
        }
    }

    public void Leave(int count) => Interlocked.Add(ref _count, -count);
}
