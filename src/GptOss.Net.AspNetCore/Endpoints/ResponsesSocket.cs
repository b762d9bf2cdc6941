using System.Net.WebSockets;
using System.Text.Json;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Mapping;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>
/// Responses over a WebSocket at <c>/v1/responses</c>: one message asks for a response, its events come back as messages.
/// </summary>
internal sealed class ResponsesSocket(OpenAIServer server, RequestGate gate, ResponseRunner runner)
{
    private static readonly TimeSpan ConnectionLimit = TimeSpan.FromMinutes(60);
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan ClosingTimeout = TimeSpan.FromSeconds(5);

    public async Task HandleAsync(ServedRequest request)
    {
        RequireWebSocket(request);
        using var socket = await request.Http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { KeepAliveInterval = KeepAlive })
            .ConfigureAwait(false);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(request.Http.RequestAborted, server.Drain.Ended);
        using var limit = new CancellationTokenSource(ConnectionLimit, server.Time);
        var connection = new ResponsesConnection(socket, server.Options.MaxRequestBodySize);
        var next = ReceiveAsync(connection, ended);
        var status = WebSocketCloseStatus.NormalClosure;
        try
        {
            var limitReached = Task.Delay(Timeout.Infinite, limit.Token);
            while (true)
            {
                await Task.WhenAny(next, limitReached).ConfigureAwait(false);
                if (!next.IsCompleted)
                {
                    await SendErrorAsync(connection, new RequestError(
                        StatusCodes.Status400BadRequest, "invalid_request_error", "websocket_connection_limit_reached", null,
                        "A connection lasts 60 minutes; open another one."), ended.Token).ConfigureAwait(false);
                    break;
                }

                byte[]? message;
                try
                {
                    message = await next.ConfigureAwait(false);
                }
                catch (RequestError error)
                {
                    status = WebSocketCloseStatus.MessageTooBig;
                    await SendErrorAsync(connection, error, ended.Token).ConfigureAwait(false);
                    break;
                }

                if (message is null)
                {
                    break;
                }

                // Read on while the response is made: that is how a client is seen that leaves.
                next = ReceiveAsync(connection, ended);
                await AnswerAsync(request, connection, message, ended.Token).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The client has left, or the server has drained.
        }
        finally
        {
            // The other side closes too, when it has read what was sent.
            await connection.CloseAsync(status).ConfigureAwait(false);
            ended.CancelAfter(ClosingTimeout);
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await connection.DiscardAsync(ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static void RequireWebSocket(ServedRequest request)
    {
        if (!request.Http.WebSockets.IsWebSocketRequest)
        {
            throw new RequestError(
                StatusCodes.Status405MethodNotAllowed, "invalid_request_error", null, null, "GET is for WebSockets here; use POST.")
            { Allow = HttpMethods.Post };
        }
    }

    /// <summary>
    /// The next message. When there is none, because the client has left, what runs for it ends; where one is too large, it does not.
    /// </summary>
    private static async Task<byte[]?> ReceiveAsync(ResponsesConnection connection, CancellationTokenSource ended)
    {
        var hasLeft = true;
        try
        {
            var message = await connection.ReceiveAsync(ended.Token).ConfigureAwait(false);
            hasLeft = message is null;
            return message;
        }
        catch (RequestError)
        {
            hasLeft = false;
            throw;
        }
        finally
        {
            if (hasLeft)
            {
                await ended.CancelAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task AnswerAsync(ServedRequest request, ResponsesConnection connection, byte[] message, CancellationToken ended)
    {
        using var turn = CancellationTokenSource.CreateLinkedTokenSource(ended);
        turn.CancelAfter(server.Options.RequestTimeout);
        string? previous = null;
        try
        {
            var body = Read(message);
            previous = body.PreviousResponseId;
            var plan = await runner.PlanAsync(body, request.Caller, turn.Token, connection.Context(previous)).ConfigureAwait(false);
            var response = await RunAsync(request, connection, plan, turn.Token).ConfigureAwait(false);
            if (response.Status is "failed" && previous is not null)
            {
                connection.Forget(previous);
            }
        }
        catch (Exception exception) when (exception is not WebSocketException && !ended.IsCancellationRequested)
        {
            // What a failed continuation named cannot be continued on this connection any more.
            if (previous is not null)
            {
                connection.Forget(previous);
            }

            var error =
                ErrorMapper.Map(exception is OperationCanceledException ? RequestError.TimedOut(server.Options.RequestTimeout) : exception);
            gate.LogFailure(request.Http, error, exception);
            await SendErrorAsync(connection, error, ended).ConfigureAwait(false);
        }
    }

    private async Task<ResponseBody> RunAsync(
        ServedRequest request, ResponsesConnection connection, ResponsePlan plan, CancellationToken cancellationToken)
    {
        using var place = server.Admission.Enter(request.Caller, 1);
        var updates = runner.Begin(plan, cancellationToken);
        await using (updates.ConfigureAwait(false))
        {
            var events = new List<ResponseEvent>();
            var builder = runner.Builder(plan, events.Add);
            ResponseBody body;
            try
            {
                builder.Start();
                while (await updates.MoveNextAsync().ConfigureAwait(false))
                {
                    builder.Add(updates.Current);
                    await connection.SendAsync(events, cancellationToken).ConfigureAwait(false);
                }

                body = builder.Finish();
            }
            catch (Exception exception) when (exception is not (WebSocketException or OperationCanceledException))
            {
                var error = ErrorMapper.Map(exception);
                gate.LogFailure(request.Http, error, exception);
                body = builder.Fail(error);
            }

            var stored = ResponseRunner.Stored(plan, body, builder);
            connection.Remember(stored);
            await runner.StoreAsync(plan, body, builder).ConfigureAwait(false);
            await connection.SendAsync(events, cancellationToken).ConfigureAwait(false);
            return body;
        }
    }

    private static ResponseRequest Read(byte[] message)
    {
        try
        {
            using var document = JsonDocument.Parse(message, new JsonDocumentOptions { MaxDepth = RequestJson.MaxDepth });
            var root = document.RootElement;
            return Check.TextMember(Check.Object(root, "message"), "type", "message") is "response.create"
                ? JsonBody.Read(root, RequestJson.Default.ResponseRequest)
                : throw RequestError.Invalid("type", "'type' must be response.create.");
        }
        catch (JsonException exception) when (exception.Path is null)
        {
            throw RequestError.Invalid(null, $"The message is not valid JSON: {exception.Message}", code: null);
        }
    }

    private static Task SendErrorAsync(ResponsesConnection connection, RequestError error, CancellationToken cancellationToken) =>
        connection.SendAsync(
            new SocketError(error.Status, new ErrorBody(error.Message, error.Type, error.Param, error.Code ?? error.Type)),
            ReplyJson.Default.SocketError,
            cancellationToken);
}
