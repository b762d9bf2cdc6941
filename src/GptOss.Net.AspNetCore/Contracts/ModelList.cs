namespace GptOss.Net.AspNetCore.Contracts;

/// <summary>The body of <c>GET /v1/models</c>; the last three are what Anthropic's clients page by.</summary>
internal sealed record ModelList(IReadOnlyList<ModelEntry> Data, string FirstId, string LastId)
{
    public string Object { get; } = "list";

    public bool HasMore { get; }
}
