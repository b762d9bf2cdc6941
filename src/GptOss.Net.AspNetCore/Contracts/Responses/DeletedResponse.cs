namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A response that is there no more.</summary>
internal sealed record DeletedResponse(string Id)
{
    public string Object { get; } = "response";

    public bool Deleted { get; } = true;
}
