using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary><c>GET /openapi.json</c>: what there is, made from the contracts themselves.</summary>
internal sealed class OpenApiEndpoint
{
    private static readonly (string Path, string Method, string Summary, JsonTypeInfo? Request, JsonTypeInfo? Reply)[] Operations =
    [
        ("/v1/models", "get", "Lists the model.", null, ReplyJson.Default.ModelList),
        ("/v1/models/{id}", "get", "Describes the model.", null, ReplyJson.Default.ModelEntry),
        ("/v1/chat/completions", "post", "Answers a conversation; streams with stream: true.",
            RequestJson.Default.ChatCompletionRequest, ReplyJson.Default.ChatCompletion),
        ("/v1/completions", "post", "Continues raw text.", RequestJson.Default.CompletionRequest, ReplyJson.Default.CompletionReply),
        ("/v1/responses", "post", "Makes a response; streams with stream: true. GET is for WebSockets.",
            RequestJson.Default.ResponseRequest, ReplyJson.Default.ResponseBody),
        ("/v1/responses/input_tokens", "post", "Counts the tokens of a request.",
            RequestJson.Default.ResponseRequest, ReplyJson.Default.InputTokensReply),
        ("/v1/responses/compact", "post", "Makes a conversation short.",
            RequestJson.Default.ResponseRequest, ReplyJson.Default.CompactionBody),
        ("/v1/responses/{id}", "get", "A response that is kept.", null, ReplyJson.Default.ResponseBody),
        ("/v1/responses/{id}", "delete", "Forgets a response.", null, ReplyJson.Default.DeletedResponse),
        ("/v1/responses/{id}/input_items", "get", "What a response was asked with.", null, ReplyJson.Default.ItemList),
        ("/v1/responses/{id}/cancel", "post", "Ends a response that is made in the background.", null, ReplyJson.Default.ResponseBody),
        ("/v1/messages", "post", "Answers a conversation in Anthropic's form.",
            RequestJson.Default.MessagesRequest, ReplyJson.Default.MessageReply),
        ("/v1/messages/count_tokens", "post", "Counts the tokens of a request in Anthropic's form.",
            RequestJson.Default.MessagesRequest, ReplyJson.Default.MessageTokens),
        ("/tokenize", "post", "Turns text into tokens.", RequestJson.Default.TokenizeRequest, ReplyJson.Default.TokenizeReply),
        ("/detokenize", "post", "Turns tokens into text.", RequestJson.Default.DetokenizeRequest, ReplyJson.Default.DetokenizeReply),
        ("/health/live", "get", "Whether the process answers; needs no key.", null, null),
        ("/health/ready", "get", "Whether the model answers.", null, ReplyJson.Default.HealthReply),
        ("/v1/status", "get", "What the server does now; once a second with ?stream=true.", null, ReplyJson.Default.StatusReply),
        ("/metrics", "get", "Metrics for Prometheus.", null, null),
    ];

    private readonly Lazy<string> _document = new(() => Create().ToJsonString());

    /// <summary>Gets the paths that the document describes.</summary>
    public static IEnumerable<string> Paths => Operations.Select(operation => operation.Path);

    public Task HandleAsync(ServedRequest request)
    {
        request.Http.Response.ContentType = "application/json; charset=utf-8";
        return request.Http.Response.WriteAsync(_document.Value, request.Ended);
    }

    private static JsonObject Create()
    {
        var paths = new JsonObject();
        foreach (var (path, method, summary, body, reply) in Operations)
        {
            var operation = new JsonObject { ["summary"] = summary };
            if (path.Contains("{id}", StringComparison.Ordinal))
            {
                operation["parameters"] = new JsonArray(new JsonObject
                {
                    ["name"] = "id",
                    ["in"] = "path",
                    ["required"] = true,
                    ["schema"] = new JsonObject { ["type"] = "string" },
                });
            }

            if (body is not null)
            {
                operation["requestBody"] = new JsonObject { ["required"] = true, ["content"] = Content(body) };
            }

            operation["responses"] = new JsonObject
            {
                ["200"] = new JsonObject { ["description"] = "The answer.", ["content"] = Content(reply) },
                ["default"] = new JsonObject { ["description"] = "An error.", ["content"] = Content(ReplyJson.Default.ErrorReply) },
            };
            if (paths[path] is not JsonObject methods)
            {
                paths[path] = methods = [];
            }

            methods[method] = operation;
        }

        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = "GptOss.Net", ["version"] = ServerVersion.Fingerprint },
            ["components"] = new JsonObject
            {
                ["securitySchemes"] = new JsonObject { ["key"] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer" } },
            },
            ["security"] = new JsonArray(new JsonObject { ["key"] = new JsonArray() }),
            ["paths"] = paths,
        };
    }

    private static JsonObject Content(JsonTypeInfo? type) => type is null
        ? new JsonObject { ["text/plain"] = new JsonObject { ["schema"] = new JsonObject { ["type"] = "string" } } }
        : new JsonObject { ["application/json"] = new JsonObject { ["schema"] = type.GetJsonSchemaAsNode() } };
}
