namespace GptOss.Net.AspNetCore.Operations;

/// <summary>
/// Refuses requests for other host names and from pages of other origins: a page that rebinds its own name to this machine's address
/// would reach the server otherwise.
/// </summary>
internal sealed class HostFilter(OpenAIServerOptions options)
{
    private const string Any = "*";

    public void Check(HttpRequest request)
    {
        if (!options.AllowedHosts.Contains(Any) && !options.AllowedHosts.Contains(request.Host.Host))
        {
            throw RequestError.Status4xx(
                StatusCodes.Status403Forbidden, $"The host '{request.Host.Host}' is not one of this server's; allow it in AllowedHosts.");
        }

        var origin = request.Headers.Origin.ToString();
        if (origin.Length > 0 && !IsAllowed(origin, request))
        {
            throw RequestError.Status4xx(
                StatusCodes.Status403Forbidden, $"Pages of the origin '{origin}' may not call this server; allow it in AllowedOrigins.");
        }
    }

    private bool IsAllowed(string origin, HttpRequest request) =>
        options.AllowedOrigins.Contains(Any) || options.AllowedOrigins.Contains(origin)
        || string.Equals(origin, $"{request.Scheme}://{request.Host.Value}", StringComparison.OrdinalIgnoreCase);
}
