using System.Globalization;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>One request that passed the gate.</summary>
internal sealed class ServedRequest : IDisposable
{
    private const string TimeoutHeader = "X-Stainless-Timeout";

    private readonly CancellationTokenSource _ended;

    public ServedRequest(HttpContext http, OpenAIServer server, string caller)
    {
        (Http, Server, Caller) = (http, server, caller);
        Deadline = server.Options.RequestTimeout;
        if (double.TryParse(http.Request.Headers[TimeoutHeader], NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds)
            && seconds > 0 && seconds < Deadline.TotalSeconds)
        {
            Deadline = TimeSpan.FromSeconds(seconds);
        }

        _ended = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, server.Drain.Ended);
        _ended.CancelAfter(Deadline);
    }

    public HttpContext Http { get; }

    public OpenAIServer Server { get; }

    /// <summary>Gets who calls: what it stores and caches is its own.</summary>
    public string Caller { get; }

    public TimeSpan Deadline { get; }

    /// <summary>Gets what is cancelled when the client leaves, the deadline passes or the server has drained.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Gets a value indicating whether the client has left.</summary>
    public bool IsLeft => Http.RequestAborted.IsCancellationRequested;

    /// <summary>What the client is told of a failure.</summary>
    public RequestError Explain(Exception exception) => exception is OperationCanceledException && _ended.IsCancellationRequested
        ? Server.Drain.Ended.IsCancellationRequested ? Drain.Error() : RequestError.TimedOut(Deadline)
        : ErrorMapper.Map(exception);

    public void Dispose() => _ended.Dispose();
}
