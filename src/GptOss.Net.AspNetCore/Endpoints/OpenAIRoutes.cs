using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>The table of all routes.</summary>
internal sealed class OpenAIRoutes(OpenAIServer server)
{
    private readonly RequestGate _gate = new(server);
    private readonly UnknownFields _unknown = new(server.Loggers);

    public IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("");
        var models = new ModelsEndpoint(server);
        var chat = new ChatCompletionsEndpoint(server, _gate, _unknown);

        Route(group, "/v1/models", HttpMethods.Get, models.ListAsync, RouteAccess.Key);
        Route(group, "/v1/models/{**id}", HttpMethods.Get, models.GetAsync, RouteAccess.Key);
        Route(group, "/v1/chat/completions", HttpMethods.Post, chat.HandleAsync, RouteAccess.Model);

        group.Map("/v1/{**rest}", _gate.Guard(UnknownRoute, RouteAccess.Key, OpenAIErrorFormat.Instance));
        return group;
    }

    /// <summary>A route with one method; the others are refused in the API's own form.</summary>
    private void Route(
        RouteGroupBuilder group, string pattern, string method, Func<ServedRequest, Task> handler, RouteAccess access, IErrorFormat? errors = null)
    {
        errors ??= OpenAIErrorFormat.Instance;
        group.MapMethods(pattern, [method], _gate.Guard(handler, access, errors));
        group.Map(pattern, _gate.Guard(request => throw WrongMethod(request, method), RouteAccess.Key, errors));
    }

    private static RequestError WrongMethod(ServedRequest request, string method) =>
        new(StatusCodes.Status405MethodNotAllowed, "invalid_request_error", null, null,
            $"{request.Http.Request.Method} is not a method of this route; use {method}.")
        { Allow = method };

    private static Task UnknownRoute(ServedRequest request) =>
        throw RequestError.NotFound($"There is no route {request.Http.Request.Method} {request.Http.Request.Path}.");
}
