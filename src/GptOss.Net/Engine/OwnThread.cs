namespace GptOss.Net.Engine;

/// <summary>Runs long work on a thread of its own: it begins at once, however busy the application's thread pool is.</summary>
internal static class OwnThread
{
    /// <param name="name">The thread's name.</param>
    /// <param name="work">What it does; in the caller's context, as in a task.</param>
    /// <returns>A task that may be waited for by blocking too, without help of the pool.</returns>
    public static Task<T> Run<T>(string name, Func<T> work)
    {
        var result = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(Work) { IsBackground = true, Name = name }.Start();
        return result.Task;

        void Work()
        {
            try
            {
                result.SetResult(work());
            }
            catch (OperationCanceledException exception)
            {
                result.SetCanceled(exception.CancellationToken);
            }
#pragma warning disable CA1031 // Reported to whoever waits.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                result.SetException(exception);
            }
        }
    }
}
