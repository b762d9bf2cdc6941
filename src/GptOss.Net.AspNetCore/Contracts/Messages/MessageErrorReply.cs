namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>The body of a failed request.</summary>
internal sealed record MessageErrorReply(MessageError Error, string RequestId)
{
    public string Type { get; } = "error";
}
