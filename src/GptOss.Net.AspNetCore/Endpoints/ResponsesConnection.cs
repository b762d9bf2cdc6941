using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Responses;
using GptOss.Net.AspNetCore.Operations;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>
/// A WebSocket of responses: its messages, and the last responses made on it, which it can continue although nobody stored them.
/// </summary>
internal sealed class ResponsesConnection(WebSocket socket, long maxMessageSize)
{
    private const int MaxRemembered = 8;

    private readonly List<StoredResponse> _responses = [];
    private readonly HashSet<string> _forgotten = new(StringComparer.Ordinal);
    private readonly ArrayBufferWriter<byte> _output = new();

    public void Remember(StoredResponse response)
    {
        _responses.Add(response);
        if (_responses.Count > MaxRemembered)
        {
            _responses.RemoveAt(0);
        }
    }

    public void Forget(string id)
    {
        _responses.RemoveAll(response => string.Equals(response.Id, id, StringComparison.Ordinal));
        _forgotten.Add(id);
    }

    /// <summary>The conversation up to a response of this connection; <see langword="null"/> if it is to be looked up elsewhere.</summary>
    public IReadOnlyList<JsonElement>? Context(string? id)
    {
        if (id is null)
        {
            return [];
        }

        if (_forgotten.Contains(id))
        {
            throw ResponseRunner.PreviousNotFound(id);
        }

        var found = _responses.Find(response => string.Equals(response.Id, id, StringComparison.Ordinal));
        return found is { Status: "completed" or "incomplete" } ? found.Context : null;
    }

    /// <summary>The next message, or <see langword="null"/> when the client closes.</summary>
    /// <exception cref="RequestError">It is too large; the rest of it is not read yet.</exception>
    public async Task<byte[]?> ReceiveAsync(CancellationToken cancellationToken)
    {
        var message = new ArrayBufferWriter<byte>();
        while (true)
        {
            var part = await socket.ReceiveAsync(message.GetMemory(4_096), cancellationToken).ConfigureAwait(false);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            message.Advance(part.Count);
            if (message.WrittenCount > maxMessageSize)
            {
                throw RequestError.Status4xx(
                    StatusCodes.Status413PayloadTooLarge,
                    FormattableString.Invariant(
                        $"The message has {message.WrittenCount:N0} bytes or more; this server takes {maxMessageSize:N0}. ")
                    + "Name the response to continue in previous_response_id instead of sending the conversation again.",
                    "message_too_large");
            }

            if (part.EndOfMessage)
            {
                return message.WrittenSpan.ToArray();
            }
        }
    }

    /// <summary>Reads what the client still sends, and forgets it, until it closes: only then has it read what was sent to it.</summary>
    public async Task DiscardAsync(CancellationToken cancellationToken)
    {
        var part = new byte[4_096];
        while (socket.State is WebSocketState.Open or WebSocketState.CloseSent)
        {
            await socket.ReceiveAsync(part.AsMemory(), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sends events, each as a message, and clears the list.</summary>
    public async Task SendAsync(List<ResponseEvent> events, CancellationToken cancellationToken)
    {
        foreach (var found in events)
        {
            await SendAsync(found, ReplyJson.Default.ResponseEvent, cancellationToken).ConfigureAwait(false);
        }

        events.Clear();
    }

    public async Task SendAsync<T>(T value, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        _output.ResetWrittenCount();
        var writer = new Utf8JsonWriter(_output, ReplyJson.WriterOptions);
        await using (writer.ConfigureAwait(false))
        {
            JsonSerializer.Serialize(writer, value, type);
        }

        await socket.SendAsync(_output.WrittenMemory, WebSocketMessageType.Text, endOfMessage: true, cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Says that nothing more comes, and why, where somebody may still hear it.</summary>
    public async Task CloseAsync(WebSocketCloseStatus status)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
        {
            return;
        }

        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(5));
        try
        {
            await socket.CloseOutputAsync(status, null, enough.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The client is gone.
        }
    }
}
