using System.Net;

namespace Replicas;

/// <summary>
/// Asks another replica when one has not begun to answer: it is gone, drains, loads or is full. What was begun is never asked again.
/// </summary>
internal sealed class Retry(RequestDelegate next)
{
    private static readonly object Left = new();

    public static bool IsWorthTrying(HttpResponseMessage? response) =>
        response?.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests;

    public static bool CanTryAnother(HttpContext context) => context.Items[Left] is > 0;

    public async Task InvokeAsync(HttpContext context)
    {
        var proxy = context.GetReverseProxyFeature();
        for (var candidates = proxy.AvailableDestinations; ;)
        {
            proxy.AvailableDestinations = candidates; // the load balancer leaves the chosen one
            context.Items[Left] = candidates.Count - 1;
            await next(context);
            var isRefused = context.Response.StatusCode is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status429TooManyRequests;
            if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested || candidates.Count <= 1
                || (context.GetForwarderErrorFeature() is null && !isRefused))
            {
                return;
            }

            candidates = [.. candidates.Where(one => one != proxy.ProxiedDestination)];
            proxy.ProxiedDestination = null;
            context.Features.Set<Yarp.ReverseProxy.Forwarder.IForwarderErrorFeature>(null);
            context.Response.Clear();
            if (context.Request.Body.CanSeek)
            {
                context.Request.Body.Position = 0;
            }
        }
    }
}
