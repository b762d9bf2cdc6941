namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A message that says that a request over a WebSocket was refused.</summary>
internal sealed record SocketError(int Status, ErrorBody Error)
{
    public string Type { get; } = "error";
}
