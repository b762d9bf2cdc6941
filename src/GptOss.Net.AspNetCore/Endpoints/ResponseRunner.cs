using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>What the ways to ask for a response (HTTP, in the background, over a WebSocket) share.</summary>
internal sealed class ResponseRunner(OpenAIServer server, UnknownFields unknown)
{
    private readonly ResponsePlanner _planner = new(server);
    private readonly ILogger _logger = server.Loggers.CreateLogger("GptOss.Net.AspNetCore");

    /// <summary>Looks up what is continued, and maps the request.</summary>
    /// <param name="body">The request.</param>
    /// <param name="caller">Who asks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="context">The conversation before, where it is known already.</param>
    public async Task<ResponsePlan> PlanAsync(
        ResponseRequest body, string caller, CancellationToken cancellationToken, IReadOnlyList<JsonElement>? context = null)
    {
        unknown.Log(body);
        server.CheckModel(body.Model);
        context ??= await ContextAsync(body.PreviousResponseId, caller, cancellationToken).ConfigureAwait(false);
        var input = await ResolveAsync(ResponseInput.Read(body.Input, server.Options.MaxMessages), caller, cancellationToken)
            .ConfigureAwait(false);
        var plan = _planner.Plan(body, caller, context, input);
        foreach (var tool in plan.Tools.Skipped)
        {
            _logger.ToolSkipped(tool);
        }

        return plan;
    }

    /// <summary>Hands the plan to the model. With <c>truncation: auto</c> the oldest turns go until the rest fits.</summary>
    public PrimedStream<ChatResponseUpdate> Begin(ResponsePlan plan, CancellationToken cancellationToken)
    {
        var call = plan.Call;
        while (true)
        {
            try
            {
                return PrimedStream<ChatResponseUpdate>.Start(
                    server.Client.GetStreamingResponseAsync(call.Messages, call.Options, cancellationToken), cancellationToken);
            }
            catch (ContextLengthExceededException) when (plan.Start.Truncation is "auto" && TurnTruncation.Shorten(call) is { } shorter)
            {
                call = shorter;
            }
        }
    }

    public ResponseBuilder Builder(ResponsePlan plan, Action<ResponseEvent> emit) =>
        new(plan, server.Time, server.Options.ReasoningEventNames, emit);

    /// <summary>Keeps a response where that was asked for.</summary>
    public ValueTask StoreAsync(ResponsePlan plan, ResponseBody body, ResponseBuilder? builder) => plan.Start.Store
        ? server.Responses.SaveAsync(Stored(plan, body, builder), CancellationToken.None)
        : ValueTask.CompletedTask;

    public static StoredResponse Stored(ResponsePlan plan, ResponseBody body, ResponseBuilder? builder) => new()
    {
        Caller = plan.Caller,
        Id = body.Id,
        Status = body.Status,
        Body = JsonSerializer.SerializeToElement(body, ReplyJson.Default.ResponseBody),
        Input = plan.Input,
        Context =
        [
            .. plan.Context,
            .. plan.Input,
            .. (builder?.SealedOutput ?? []).Select(item => JsonSerializer.SerializeToElement(item, ReplyJson.Default.ResponseItem)),
        ],
    };

    private async ValueTask<IReadOnlyList<JsonElement>> ContextAsync(string? previous, string caller, CancellationToken cancellationToken)
    {
        if (previous is null)
        {
            return [];
        }

        var response = await server.Responses.FindAsync(caller, previous, cancellationToken).ConfigureAwait(false);
        return response is { Status: "completed" or "incomplete" }
            ? response.Context
            : throw PreviousNotFound(previous, response?.Status);
    }

    public static RequestError PreviousNotFound(string id, string? status = null) => RequestError.Invalid(
        "previous_response_id",
        status is null ? $"There is no response '{id}' to continue." : $"The response '{id}' is {status} and cannot be continued.",
        "previous_response_not_found");

    private async ValueTask<IReadOnlyList<JsonElement>> ResolveAsync(
        IReadOnlyList<JsonElement> input, string caller, CancellationToken cancellationToken)
    {
        if (!input.Any(IsReference))
        {
            return input;
        }

        var resolved = new List<JsonElement>();
        for (var i = 0; i < input.Count; i++)
        {
            if (!IsReference(input[i]))
            {
                resolved.Add(input[i]);
                continue;
            }

            var id = input[i].GetProperty("id").GetString()!;
            resolved.Add(await server.Responses.FindItemAsync(caller, id, cancellationToken).ConfigureAwait(false)
                ?? throw RequestError.NotFound(
                    $"There is no stored item '{id}'; send the item itself, as with 'store': false.",
                    param: FormattableString.Invariant($"input[{i}].id")));
        }

        return resolved;
    }

    private static bool IsReference(JsonElement item) => item.GetProperty("type").ValueEquals("item_reference");
}
