namespace GptOss.Net.AspNetCore.Operations;

/// <summary>How the clients of a family of routes expect errors.</summary>
internal interface IErrorFormat
{
    /// <summary>Writes the body of an answer whose status and headers are set.</summary>
    Task WriteAsync(HttpContext http, RequestError error);
}
