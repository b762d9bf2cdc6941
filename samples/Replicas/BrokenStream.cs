using Microsoft.AspNetCore.Http.Features;

namespace Replicas;

/// <summary>
/// Ends the stream of a replica that died while it answered with an error that clients understand, instead of a broken connection; and
/// notes which replica stores a response.
/// </summary>
internal sealed class BrokenStream(RequestDelegate next, ResponsePlaces places)
{
    private const string ErrorEvent =
        "\n\ndata: {\"error\":{\"message\":\"The replica that answered is gone; "
        + "ask again.\",\"type\":\"server_error\",\"param\":null,\"code\":\"replica_lost\"}}\n\ndata: [DONE]\n\n";

    public async Task InvokeAsync(HttpContext context)
    {
        var connection = context.Features.GetRequiredFeature<IHttpRequestLifetimeFeature>();
        var guard = new AbortGuard(connection);
        var watched =
            new FirstBytes(context.Response.Body, id => places.Add(id, context.GetReverseProxyFeature().ProxiedDestination!.DestinationId));
        var body = context.Response.Body;
        if (context.Request.Path.StartsWithSegments("/v1/responses", StringComparison.Ordinal))
        {
            context.Response.Body = watched;
        }

        context.Features.Set<IHttpRequestLifetimeFeature>(guard);
        try
        {
            await next(context);
        }
        finally
        {
            context.Features.Set(connection);
            context.Response.Body = body;
        }

        if (!guard.IsAborted)
        {
            return;
        }

        if (connection.RequestAborted.IsCancellationRequested || context.Response.ContentType is not "text/event-stream")
        {
            connection.Abort();
            return;
        }

        await context.Response.WriteAsync(ErrorEvent, connection.RequestAborted);
    }

    /// <summary>Notes that the proxy wants to break the connection, and leaves it.</summary>
    private sealed class AbortGuard(IHttpRequestLifetimeFeature connection) : IHttpRequestLifetimeFeature
    {
        public bool IsAborted { get; private set; }

        public CancellationToken RequestAborted
        {
            get => connection.RequestAborted;
            set => connection.RequestAborted = value;
        }

        public void Abort() => IsAborted = true;
    }
}
