using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.AspNetCore.Http.Features;

namespace GptOss.Net.AspNetCore.Endpoints;

/// <summary>
/// A stream of server-sent events. Events are collected by <see cref="Write{T}"/> and leave together at <see cref="FlushAsync"/>, whole,
/// because some readers lose an event that comes in two pieces. After a silence it sends a comment, so that proxies keep it open.
/// </summary>
internal sealed class EventStream : IAsyncDisposable
{
    private const int MaxTogether = 16 * 1024;

    private readonly HttpContext _http;
    private readonly TimeProvider _time;
    private readonly TimeSpan _keepAlive;
    private readonly ReadOnlyMemory<byte> _keepAliveEvent;
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private readonly Utf8JsonWriter _json;
    private readonly SemaphoreSlim _writing = new(1, 1); // the caller's flush, or a keep-alive
    private readonly ITimer _timer;
    private long _lastSent;
    private bool _isClosed;

    private EventStream(ServedRequest request, ReadOnlyMemory<byte> keepAliveEvent)
    {
        (_http, _time, _keepAlive) = (request.Http, request.Server.Time, request.Server.Options.KeepAliveInterval);
        _keepAliveEvent = keepAliveEvent;
        _json = new Utf8JsonWriter(_buffer, ReplyJson.WriterOptions);
        _lastSent = _time.GetTimestamp();
        _timer = _time.CreateTimer(stream => _ = ((EventStream)stream!).KeepAliveAsync(), this, _keepAlive, _keepAlive);
    }

    private static ReadOnlyMemory<byte> Comment { get; } = ": keep-alive\n\n"u8.ToArray();

    /// <summary>Begins the answer: status 200 and the headers that keep proxies from collecting it.</summary>
    public static EventStream Start(ServedRequest request, ReadOnlyMemory<byte>? keepAliveEvent = null)
    {
        var response = request.Http.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        request.Http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        return new EventStream(request, keepAliveEvent ?? Comment);
    }

    /// <summary>Adds an event.</summary>
    /// <param name="name">Its type, for clients that read it; or none.</param>
    /// <param name="value">Its data.</param>
    /// <param name="type">How it is written.</param>
    public void Write<T>(string? name, T value, JsonTypeInfo<T> type)
    {
        if (name is not null)
        {
            _buffer.Write("event: "u8);
            Encoding.UTF8.GetBytes(name, _buffer);
            _buffer.Write("\n"u8);
        }

        _buffer.Write("data: "u8);
        _json.Reset(_buffer);
        JsonSerializer.Serialize(_json, value, type);
        _json.Flush();
        _buffer.Write("\n\n"u8);
    }

    /// <summary>
    /// Writes each element as it comes. What comes without waiting leaves together, up to a size that a reader takes in at once.
    /// </summary>
    public async Task PumpAsync<T>(IAsyncEnumerator<T> source, Action<T> write, CancellationToken cancellationToken)
    {
        while (true)
        {
            var next = source.MoveNextAsync();
            var flush = next.IsCompleted && _buffer.WrittenCount < MaxTogether
                ? Task.CompletedTask
                : FlushAsync(cancellationToken).AsTask();

            // The source is awaited also when the client has left: an enumerator may not be disposed while it moves.
            await flush.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var hasNext = await next.ConfigureAwait(false);
            await flush.ConfigureAwait(false);
            if (!hasNext)
            {
                return;
            }

            write(source.Current);
        }
    }

    /// <summary>Adds the event that ends a stream.</summary>
    public void WriteDone() => _buffer.Write("data: [DONE]\n\n"u8);

    /// <summary>Sends what was added; waits while the client reads too slowly.</summary>
    public async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        if (_buffer.WrittenCount == 0)
        {
            return;
        }

        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var output = _http.Response.BodyWriter;
            output.Write(_buffer.WrittenSpan);
            _buffer.ResetWrittenCount();
            var result = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
            if (result.IsCompleted)
            {
                throw new OperationCanceledException("The client has left.");
            }

            _lastSent = _time.GetTimestamp();
        }
        finally
        {
            _writing.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync().ConfigureAwait(false);
        await _writing.WaitAsync().ConfigureAwait(false);
        _isClosed = true;
        _writing.Release();
        await _json.DisposeAsync().ConfigureAwait(false);
    }

    private async Task KeepAliveAsync()
    {
        if (!await _writing.WaitAsync(0).ConfigureAwait(false))
        {
            return;
        }

        try
        {
            if (!_isClosed && _time.GetElapsedTime(_lastSent) >= _keepAlive * 0.9)
            {
                await _http.Response.BodyWriter.WriteAsync(_keepAliveEvent, _http.RequestAborted).ConfigureAwait(false);
                _lastSent = _time.GetTimestamp();
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or InvalidOperationException or IOException)
        {
            // The client has left; whoever writes the events finds out by itself.
        }
        finally
        {
            _writing.Release();
        }
    }
}
