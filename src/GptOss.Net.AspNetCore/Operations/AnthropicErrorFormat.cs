using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Contracts.Messages;
using GptOss.Net.AspNetCore.Endpoints;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>Anthropic's form of errors.</summary>
internal sealed class AnthropicErrorFormat : IErrorFormat
{
    private const int Overloaded = 529;

    public static AnthropicErrorFormat Instance { get; } = new();

    public static MessageError Error(RequestError error) => new(
        error.Status switch
        {
            StatusCodes.Status401Unauthorized => "authentication_error",
            StatusCodes.Status403Forbidden => "permission_error",
            StatusCodes.Status404NotFound => "not_found_error",
            StatusCodes.Status413PayloadTooLarge => "request_too_large",
            StatusCodes.Status429TooManyRequests => "rate_limit_error",
            StatusCodes.Status503ServiceUnavailable => "overloaded_error",
            StatusCodes.Status504GatewayTimeout => "timeout_error",
            >= StatusCodes.Status500InternalServerError => "api_error",
            _ => "invalid_request_error",
        },
        error.Message);

    public Task WriteAsync(HttpContext http, RequestError error)
    {
        if (error.Status == StatusCodes.Status503ServiceUnavailable)
        {
            http.Response.StatusCode = Overloaded;
        }

        return JsonBody.WriteAsync(http, new MessageErrorReply(Error(error), http.TraceIdentifier), ReplyJson.Default.MessageErrorReply);
    }
}
