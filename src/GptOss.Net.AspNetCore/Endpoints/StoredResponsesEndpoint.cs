using System.Globalization;
using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>What can be done with a response that is kept: <c>/v1/responses/{id}</c>, its input items, its cancellation.</summary>
internal sealed class StoredResponsesEndpoint(OpenAIServer server, BackgroundResponses background)
{
    private const int DefaultPage = 20;
    private const int MaxPage = 100;

    public async Task GetAsync(ServedRequest request)
    {
        var run = FindRun(request);
        var response = await FindAsync(request).ConfigureAwait(false);
        if (Query(request, "stream") is not "true")
        {
            await WriteAsync(request, response.Body).ConfigureAwait(false);
            return;
        }

        var after = Integer(request, "starting_after") ?? -1;
        if (run is not null)
        {
            await run.StreamAsync(request, after + 1).ConfigureAwait(false);
            return;
        }

        var stream = EventStream.Start(request);
        await using (stream.ConfigureAwait(false))
        {
            foreach (var (name, data) in ResponseReplay.Events(response.Body, server.Options.ReasoningEventNames).Skip(after + 1))
            {
                stream.Write(name, data, ReplyJson.Default.JsonElement);
            }

            stream.WriteDone();
            await stream.FlushAsync(request.Ended).ConfigureAwait(false);
        }
    }

    public async Task DeleteAsync(ServedRequest request)
    {
        var id = IdOf(request);
        background.Find(request.Caller, id)?.Cancel();
        if (!await server.Responses.DeleteAsync(request.Caller, id, request.Ended).ConfigureAwait(false))
        {
            throw NotFound(id);
        }

        await JsonBody.WriteAsync(request.Http, new DeletedResponse(id), ReplyJson.Default.DeletedResponse).ConfigureAwait(false);
    }

    public async Task CancelAsync(ServedRequest request)
    {
        var run = FindRun(request);
        var response = await FindAsync(request).ConfigureAwait(false);
        if (!response.Body.GetProperty("background").GetBoolean())
        {
            throw RequestError.Invalid(
                null, $"The response '{response.Id}' was not made with 'background': true; only those can be cancelled.");
        }

        if (run is not null)
        {
            run.Cancel();
            await run.Completion.WaitAsync(request.Ended).ConfigureAwait(false);
            response = await FindAsync(request).ConfigureAwait(false);
        }

        await WriteAsync(request, response.Body).ConfigureAwait(false);
    }

    /// <summary>Who makes the response, asked before what is kept: one that ends in between is kept by then as it ended.</summary>
    private BackgroundResponse? FindRun(ServedRequest request) => background.Find(request.Caller, IdOf(request));

    /// <summary>The input, newest first unless asked otherwise.</summary>
    public async Task ListInputAsync(ServedRequest request)
    {
        var response = await FindAsync(request).ConfigureAwait(false);
        var limit = Mapping.Check.InRange(Integer(request, "limit"), 1, MaxPage, "limit") ?? DefaultPage;
        IEnumerable<JsonElement> items = Query(request, "order") switch
        {
            null or "desc" => response.Input.Reverse(),
            "asc" => response.Input,
            _ => throw RequestError.Invalid("order", "'order' must be asc or desc."),
        };
        if (Query(request, "after") is { } after)
        {
            items = items.SkipWhile(item => !item.GetProperty("id").ValueEquals(after)).Skip(1);
        }

        var page = items.Take(limit + 1).ToList();
        var reply = new ItemList([.. page.Take(limit)], page.Count > limit);
        await JsonBody.WriteAsync(request.Http, reply, ReplyJson.Default.ItemList).ConfigureAwait(false);
    }

    private async ValueTask<StoredResponse> FindAsync(ServedRequest request)
    {
        var id = IdOf(request);
        return await server.Responses.FindAsync(request.Caller, id, request.Ended).ConfigureAwait(false) ?? throw NotFound(id);
    }

    private static Task WriteAsync(ServedRequest request, JsonElement body) =>
        JsonBody.WriteAsync(request.Http, body, ReplyJson.Default.JsonElement);

    private static RequestError NotFound(string id) => RequestError.NotFound($"There is no response '{id}'.", param: "response_id");

    private static string IdOf(ServedRequest request) => (string)request.Http.GetRouteValue("id")!;

    private static string? Query(ServedRequest request, string name) =>
        request.Http.Request.Query.TryGetValue(name, out var value) ? value.ToString() : null;

    private static int? Integer(ServedRequest request, string name) => Query(request, name) switch
    {
        null => null,
        { } text when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) => value,
        _ => throw RequestError.WrongType(name, "an integer"),
    };
}
