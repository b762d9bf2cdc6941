namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>An event of a stream; which members it has is for its type to say.</summary>
internal sealed record ResponseEvent(string Type)
{
    public int SequenceNumber { get; init; }

    public ResponseBody? Response { get; init; }

    public string? ItemId { get; init; }

    public int? OutputIndex { get; init; }

    public int? ContentIndex { get; init; }

    public ResponseItem? Item { get; init; }

    public ResponsePart? Part { get; init; }

    public string? Delta { get; init; }

    public string? Text { get; init; }

    public IReadOnlyList<TokenLogprob>? Logprobs { get; init; }

    public string? Arguments { get; init; }

    public string? Name { get; init; }

    // Of an error: nested for the specification, flat for OpenAI's clients.
    public ErrorBody? Error { get; init; }

    public string? Code { get; init; }

    public string? Message { get; init; }

    public string? Param { get; init; }
}
