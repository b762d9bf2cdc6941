namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>An event of a stream; which members it has is for its type to say.</summary>
internal sealed record MessageEvent(string Type)
{
    public MessageReply? Message { get; init; }

    public int? Index { get; init; }

    public MessageBlock? ContentBlock { get; init; }

    public MessageDelta? Delta { get; init; }

    public MessageUsage? Usage { get; init; }

    public MessageError? Error { get; init; }
}
