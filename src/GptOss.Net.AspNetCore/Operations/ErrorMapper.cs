using System.Text.Json;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>From what went wrong to what a client is told.</summary>
internal static class ErrorMapper
{
    private static readonly TimeSpan BusyRetry = TimeSpan.FromSeconds(1);

    /// <summary>The error of an exception. What is nobody's business but ours becomes a sentence without details.</summary>
    public static RequestError Map(Exception exception) => exception switch
    {
        RequestError error => error,
        GptOssBusyException => RequestError.TooMany(exception.Message, BusyRetry),
        ContextLengthExceededException => RequestError.Invalid(null, exception.Message, "context_length_exceeded"),
        NotSupportedException => RequestError.Invalid(null, exception.Message, "unsupported_value"),
        ArgumentException => RequestError.Invalid(null, exception.Message),
        TimeoutException => new RequestError(StatusCodes.Status504GatewayTimeout, "server_error", "timeout", null, exception.Message)
        {
            IsFinal = true,
        },
        ObjectDisposedException => RequestError.Unavailable("shutting_down", "The server is shutting down.", BusyRetry),
        GptOssException => RequestError.Failed(exception.Message),
        JsonException json => FromJson(json),
        BadHttpRequestException bad => RequestError.Status4xx(bad.StatusCode, bad.Message),
        _ => RequestError.Failed("The server failed; its log tells more under this request's x-request-id."),
    };

    /// <summary>A field of the wrong type, named by its path as OpenAI names it: <c>messages[2].content</c>.</summary>
    private static RequestError FromJson(JsonException exception)
    {
        var path = exception.Path is { } found && found.StartsWith("$.", StringComparison.Ordinal) ? found[2..] : null;
        return path is null
            ? RequestError.Invalid(null, "The body is not a JSON object of this request.", code: null)
            : RequestError.Invalid(path, $"'{path}' has a value of the wrong type.", "invalid_type");
    }
}
