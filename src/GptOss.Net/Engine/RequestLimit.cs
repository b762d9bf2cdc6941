namespace GptOss.Net.Engine;

/// <summary>Counts the requests that run or wait, and refuses more than there may be. Thread-safe.</summary>
internal sealed class RequestLimit(int maxRequests)
{
    private int _count;

    /// <returns><see langword="false"/>, and nothing changes, when there would be too many.</returns>
    public bool TryEnter(int count)
    {
        if (Interlocked.Add(ref _count, count) <= maxRequests)
        {
            return true;
        }

        Leave(count);
        return false;
    }

    public void Leave(int count) => Interlocked.Add(ref _count, -count);
}
