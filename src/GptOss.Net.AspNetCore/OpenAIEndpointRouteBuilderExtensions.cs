using GptOss.Net.AspNetCore.Endpoints;
using GptOss.Net.AspNetCore.Operations;

#pragma warning disable IDE0130 // where an application looks for what it maps
namespace Microsoft.AspNetCore.Builder;
#pragma warning restore IDE0130

/// <summary>Adds the endpoints of an OpenAI-compatible server to an application.</summary>
public static class OpenAIEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Maps <c>/v1/chat/completions</c> and the other routes of OpenAI's API onto the application's
    /// <see cref="Microsoft.Extensions.AI.IChatClient"/>. Configure <see cref="GptOss.Net.AspNetCore.OpenAIServerOptions"/> for limits and
    /// keys.
    /// </summary>
    /// <param name="endpoints">The application.</param>
    /// <remarks>
    /// On a <see cref="WebApplication"/> it also adds the WebSocket middleware, for responses over a WebSocket. Map it at the root: clients
    /// expect <c>/v1</c>.
    /// </remarks>
    /// <returns>The routes, for conventions of your own.</returns>
    public static IEndpointConventionBuilder MapOpenAI(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        if (endpoints is IApplicationBuilder app)
        {
            app.UseWebSockets();
        }

        var server = new OpenAIServer(endpoints.ServiceProvider);
        return new OpenAIRoutes(server).Map(endpoints);
    }
}
