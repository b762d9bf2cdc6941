namespace GptOss.Net.AspNetCore;

/// <summary>Everything that this assembly logs.</summary>
/// <remarks>
/// In one class: the generator writes the classes of an assembly that have such methods in any order, and a build with two of them would
/// not give the same bytes again.
/// </remarks>
internal static partial class Log
{
    [LoggerMessage(LogLevel.Critical, "{Failure}: {Change}, by {Option} http://127.0.0.1:PORT.")]
    public static partial void AddressUnusable(this ILogger logger, string failure, string change, string option);

    [LoggerMessage(LogLevel.Information, "The field {Name} of a request is unknown and ignored; this is logged once.")]
    public static partial void FieldIgnored(this ILogger logger, string name);

    [LoggerMessage(LogLevel.Debug, "A {Tool} tool is skipped: the model can call functions only.")]
    public static partial void ToolSkipped(this ILogger logger, string tool);

    [LoggerMessage(LogLevel.Debug, "The client of {RequestId} left (499).")]
    public static partial void ClientLeft(this ILogger logger, string requestId);

    [LoggerMessage(LogLevel.Error, "The request {RequestId} failed.")]
    public static partial void RequestFailed(this ILogger logger, string requestId, Exception exception);

    [LoggerMessage(LogLevel.Warning, "The background response {Id} failed.")]
    public static partial void BackgroundResponseFailed(this ILogger logger, string id, Exception exception);
}
