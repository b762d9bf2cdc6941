using GptOss.Net.AspNetCore.Contracts;
using GptOss.Net.AspNetCore.Endpoints;

namespace GptOss.Net.AspNetCore.Operations;

/// <summary>OpenAI's: an object <c>error</c>.</summary>
internal sealed class OpenAIErrorFormat : IErrorFormat
{
    public static OpenAIErrorFormat Instance { get; } = new();

    public static ErrorReply Reply(RequestError error) => new(new ErrorBody(error.Message, error.Type, error.Param, error.Code));

    public Task WriteAsync(HttpContext http, RequestError error) => JsonBody.WriteAsync(http, Reply(error), ReplyJson.Default.ErrorReply);
}
