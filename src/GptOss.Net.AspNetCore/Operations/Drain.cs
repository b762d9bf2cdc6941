namespace GptOss.Net.AspNetCore.Operations;

/// <summary>When the host stops: nothing new is taken, and what runs may go on for a while.</summary>
internal sealed class Drain : IDisposable
{
    private readonly IHostApplicationLifetime _lifetime;
    private readonly CancellationTokenSource _ended = new();

    public Drain(IHostApplicationLifetime lifetime, TimeSpan timeout, TimeProvider time)
    {
        _lifetime = lifetime;
        Timeout = timeout;
        lifetime.ApplicationStopping.Register(() => _ = EndAsync(timeout, time));
    }

    public TimeSpan Timeout { get; }

    public bool HasBegun => _lifetime.ApplicationStopping.IsCancellationRequested;

    /// <summary>Gets what is cancelled when the time of the running requests is over.</summary>
    public CancellationToken Ended => _ended.Token;

    public static RequestError Error() =>
        RequestError.Unavailable("shutting_down", "The server is shutting down.", TimeSpan.FromSeconds(5));

    public void Dispose() => _ended.Dispose();

    private async Task EndAsync(TimeSpan timeout, TimeProvider time)
    {
        await Task.Delay(timeout, time).ConfigureAwait(false);
        await _ended.CancelAsync().ConfigureAwait(false);
    }
}
