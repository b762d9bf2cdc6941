using Microsoft.AspNetCore.Http.Features;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>What every request passes: host, key, readiness, limits; and where every failure becomes an answer.</summary>
internal sealed class RequestGate(OpenAIServer server)
{
    private const int ClientClosedRequest = 499;

    private readonly ILogger _logger = server.Loggers.CreateLogger("GptOss.Net.AspNetCore");
    private readonly ApiKeys _keys = new(server.Options.ApiKeys);
    private readonly HostFilter _hosts = new(server.Options);

    /// <summary>A handler behind the gate.</summary>
    public RequestDelegate Guard(Func<ServedRequest, Task> handler, RouteAccess access, IErrorFormat errors) =>
        http => InvokeAsync(http, handler, access, errors);

    private async Task InvokeAsync(HttpContext http, Func<ServedRequest, Task> handler, RouteAccess access, IErrorFormat errors)
    {
        http.Response.Headers["x-request-id"] = http.TraceIdentifier = "req_" + Guid.NewGuid().ToString("N");
        ServedRequest? request = null;
        try
        {
            _hosts.Check(http.Request);
            request = new ServedRequest(http, server, access == RouteAccess.Open ? ApiKeys.Anyone : _keys.Identify(http.Request));
            if (access == RouteAccess.Model)
            {
                CheckReady();
            }

            if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            {
                limit.MaxRequestBodySize = server.Options.MaxRequestBodySize;
            }

            await handler(request).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is not RequestError && http.RequestAborted.IsCancellationRequested)
        {
            _logger.ClientLeft(http.TraceIdentifier);
            if (!http.Response.HasStarted)
            {
                http.Response.StatusCode = ClientClosedRequest;
            }
        }
#pragma warning disable CA1031 // whatever it was, the client gets an answer
        catch (Exception exception)
#pragma warning restore CA1031
        {
            await RefuseAsync(http, request?.Explain(exception) ?? ErrorMapper.Map(exception), exception, errors).ConfigureAwait(false);
        }
        finally
        {
            request?.Dispose();
        }
    }

    /// <summary>Logs what is the server's own fault; what a client did wrong is for the client to know.</summary>
    public void LogFailure(HttpContext http, RequestError error, Exception exception)
    {
        if (error.Status == StatusCodes.Status500InternalServerError)
        {
            _logger.RequestFailed(http.TraceIdentifier, exception);
        }
    }

    private async Task RefuseAsync(HttpContext http, RequestError error, Exception exception, IErrorFormat errors)
    {
        LogFailure(http, error, exception);
        if (http.Response.HasStarted)
        {
            http.Abort();
            return;
        }

        var headers = http.Response.Headers;
        http.Response.StatusCode = error.Status;
        if (error.RetryAfter is { } wait)
        {
            headers.RetryAfter = ((int)Math.Ceiling(wait.TotalSeconds)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        if (error.IsFinal)
        {
            headers["x-should-retry"] = "false";
        }

        if (error.Allow is { } methods)
        {
            headers.Allow = methods;
        }

        if (server.Drain.HasBegun)
        {
            headers.Connection = "close";
        }

        await errors.WriteAsync(http, error).ConfigureAwait(false);
    }

    private void CheckReady()
    {
        if (server.Drain.HasBegun)
        {
            throw Drain.Error();
        }

        var status = server.Status;
        switch (status.State)
        {
            case ModelState.Loading:
                var progress = status.Progress is { } load ? FormattableString.Invariant($" ({load.Fraction:P0})") : "";
                throw RequestError.Unavailable(
                    "model_loading", $"The model '{server.ModelId}' is being loaded{progress}.", TimeSpan.FromSeconds(5));
            case ModelState.Failed:
                throw RequestError.Unavailable(
                    "model_failed", $"The model '{server.ModelId}' cannot answer: {status.Failure}", TimeSpan.FromSeconds(60));
        }
    }
}
