namespace GptOss.Net.AspNetCore.Operations;

/// <summary>A request that is refused or has failed, with what the client is told.</summary>
internal sealed class RequestError(int status, string type, string? code, string? param, string message) : Exception(message)
{
    /// <summary>Gets the status of the answer, as long as none was sent.</summary>
    public int Status => status;

    /// <summary>Gets the kind of OpenAI's API.</summary>
    public string Type => type;

    /// <summary>Gets the case, for programs.</summary>
    public string? Code => code;

    /// <summary>Gets the path of the field.</summary>
    public string? Param => param;

    /// <summary>Gets after how long it is worth to ask again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Gets a value indicating whether the same request would fail again, although the status says otherwise.</summary>
    public bool IsFinal { get; init; }

    /// <summary>Gets the methods that the route has.</summary>
    public string? Allow { get; init; }

    public static RequestError Invalid(string? param, string message, string? code = "invalid_value") =>
        new(StatusCodes.Status400BadRequest, "invalid_request_error", code, param, message);

    public static RequestError WrongType(string param, string expected) => Invalid(param, $"'{param}' must be {expected}.", "invalid_type");

    public static RequestError Missing(string param) =>
        Invalid(param, $"'{param}' is missing, and required.", "missing_required_parameter");

    public static RequestError Unsupported(string param, string reason) =>
        Invalid(param, $"'{param}' is not supported: {reason}.", "unsupported_parameter");

    public static RequestError UnsupportedValue(string param, string reason) =>
        Invalid(param, $"'{param}' has a value that is not supported: {reason}.", "unsupported_value");

    public static RequestError NotFound(string message, string? code = null, string? param = null) =>
        new(StatusCodes.Status404NotFound, "invalid_request_error", code, param, message);

    public static RequestError Status4xx(int status, string message, string? code = null) =>
        new(status, "invalid_request_error", code, null, message);

    public static RequestError TooMany(string message, TimeSpan retryAfter) =>
        new(StatusCodes.Status429TooManyRequests, "rate_limit_error", "rate_limit_exceeded", null, message) { RetryAfter = retryAfter };

    public static RequestError Unavailable(string code, string message, TimeSpan retryAfter) =>
        new(StatusCodes.Status503ServiceUnavailable, "server_error", code, null, message) { RetryAfter = retryAfter };

    public static RequestError TimedOut(TimeSpan deadline) =>
        new(StatusCodes.Status504GatewayTimeout, "server_error", "timeout", null,
            FormattableString.Invariant($"The answer was not ready within {deadline.TotalSeconds:0.###} s, the deadline of this request."))
        { IsFinal = true };

    public static RequestError Failed(string message) =>
        new(StatusCodes.Status500InternalServerError, "server_error", null, null, message);
}
