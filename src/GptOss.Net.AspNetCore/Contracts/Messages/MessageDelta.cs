namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>What an event adds to a block, or to the message at its end.</summary>
internal sealed record MessageDelta
{
    public string? Type { get; init; }

    public string? Text { get; init; }

    public string? Thinking { get; init; }

    public string? Signature { get; init; }

    public string? PartialJson { get; init; }

    public string? StopReason { get; init; }
}
