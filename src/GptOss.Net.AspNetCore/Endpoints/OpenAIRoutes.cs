using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>The table of all routes.</summary>
internal sealed class OpenAIRoutes
{
    private readonly RequestGate _gate;
    private readonly ModelsEndpoint _models;
    private readonly HealthEndpoint _health;
    private readonly ChatCompletionsEndpoint _chat;
    private readonly CompletionsEndpoint _completions;
    private readonly TokensEndpoint _tokens;
    private readonly MessagesEndpoint _messages;
    private readonly ResponsesEndpoint _responses;
    private readonly StoredResponsesEndpoint _stored;
    private readonly CompactEndpoint _compact;
    private readonly ResponsesSocket _socket;
    private readonly MetricsEndpoint _metrics;
    private readonly OpenApiEndpoint _document = new();

    public OpenAIRoutes(OpenAIServer server)
    {
        _gate = new RequestGate(server);
        var unknown = new UnknownFields(server.Loggers);
        var runner = new ResponseRunner(server, unknown);
        var background = new BackgroundResponses(server, runner);
        _models = new ModelsEndpoint(server);
        _health = new HealthEndpoint(server);
        _chat = new ChatCompletionsEndpoint(server, _gate, unknown);
        _completions = new CompletionsEndpoint(server, _gate, unknown);
        _tokens = new TokensEndpoint(server, unknown);
        _messages = new MessagesEndpoint(server, _gate, unknown);
        _responses = new ResponsesEndpoint(server, _gate, runner, background);
        _stored = new StoredResponsesEndpoint(server, background);
        _compact = new CompactEndpoint(server, runner);
        _socket = new ResponsesSocket(server, _gate, runner);
        _metrics = new MetricsEndpoint(server);
    }

    public IEndpointConventionBuilder Map(IEndpointRouteBuilder endpoints)
    {
        var routes = endpoints.MapGroup("");
        Add(routes, "/health/live", RouteAccess.Open, (HttpMethods.Get, HealthEndpoint.LiveAsync));
        Add(routes, "/health/ready", RouteAccess.Key, (HttpMethods.Get, _health.ReadyAsync));
        Add(routes, "/health", RouteAccess.Key, (HttpMethods.Get, _health.ReadyAsync));
        Add(routes, "/metrics", RouteAccess.Key, (HttpMethods.Get, _metrics.HandleAsync));
        Add(routes, "/openapi.json", RouteAccess.Key, (HttpMethods.Get, _document.HandleAsync));
        Add(routes, "/v1/status", RouteAccess.Key, (HttpMethods.Get, _health.StatusAsync));

        Add(routes, "/v1/models", RouteAccess.Key, (HttpMethods.Get, _models.ListAsync));
        Add(routes, "/v1/models/{**id}", RouteAccess.Key, (HttpMethods.Get, _models.GetAsync));
        Add(routes, "/v1/chat/completions", RouteAccess.Model, (HttpMethods.Post, _chat.HandleAsync));
        Add(routes, "/v1/completions", RouteAccess.Model, (HttpMethods.Post, _completions.HandleAsync));

        Add(routes, "/v1/responses", RouteAccess.Model, (HttpMethods.Post, _responses.CreateAsync), (HttpMethods.Get, _socket.HandleAsync));
        Add(routes, "/v1/responses/compact", RouteAccess.Model, (HttpMethods.Post, _compact.HandleAsync));
        Add(routes, "/v1/responses/input_tokens", RouteAccess.Model, (HttpMethods.Post, _responses.CountAsync));
        Add(routes, "/v1/responses/{id}", RouteAccess.Key, (HttpMethods.Get, _stored.GetAsync), (HttpMethods.Delete, _stored.DeleteAsync));
        Add(routes, "/v1/responses/{id}/input_items", RouteAccess.Key, (HttpMethods.Get, _stored.ListInputAsync));
        Add(routes, "/v1/responses/{id}/cancel", RouteAccess.Key, (HttpMethods.Post, _stored.CancelAsync));

        foreach (var prefix in (string[])["", "/v1"])
        {
            Add(routes, prefix + "/tokenize", RouteAccess.Model, (HttpMethods.Post, _tokens.TokenizeAsync));
            Add(routes, prefix + "/detokenize", RouteAccess.Model, (HttpMethods.Post, _tokens.DetokenizeAsync));
        }

        var anthropic = AnthropicErrorFormat.Instance;
        Add(routes, "/v1/messages", RouteAccess.Model, anthropic, (HttpMethods.Post, _messages.CreateAsync));
        Add(routes, "/v1/messages/count_tokens", RouteAccess.Model, anthropic, (HttpMethods.Post, _messages.CountAsync));

        routes.Map("/v1/{**rest}", _gate.Guard(UnknownRoute, RouteAccess.Key, OpenAIErrorFormat.Instance));
        return routes;
    }

    private void Add(
        RouteGroupBuilder routes, string pattern, RouteAccess access,
        params (string Method, Func<ServedRequest, Task> Handler)[] methods) =>
        Add(routes, pattern, access, OpenAIErrorFormat.Instance, methods);

    /// <summary>A route and its methods; others are refused in the API's own form.</summary>
    private void Add(
        RouteGroupBuilder routes,
        string pattern,
        RouteAccess access,
        IErrorFormat errors,
        params (string Method, Func<ServedRequest, Task> Handler)[] methods)
    {
        foreach (var (method, handler) in methods)
        {
            routes.MapMethods(pattern, [method], _gate.Guard(handler, access, errors));
        }

        var allowed = string.Join(", ", methods.Select(method => method.Method));
        routes.Map(pattern, _gate.Guard(request => throw WrongMethod(request, allowed), RouteAccess.Key, errors));
    }

    private static RequestError WrongMethod(ServedRequest request, string allowed) =>
        new(StatusCodes.Status405MethodNotAllowed, "invalid_request_error", null, null,
            $"{request.Http.Request.Method} is not a method of this route; use {allowed}.")
        { Allow = allowed };

    private static Task UnknownRoute(ServedRequest request) =>
        throw RequestError.NotFound($"There is no route {request.Http.Request.Method} {request.Http.Request.Path}.");
}
