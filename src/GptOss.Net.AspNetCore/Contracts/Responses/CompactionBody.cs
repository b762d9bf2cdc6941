namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A conversation made short, to be given back as the input of another.</summary>
internal sealed record CompactionBody(string Id, long CreatedAt, IReadOnlyList<ResponseItem> Output, ResponseUsage Usage)
{
    public string Object { get; } = "response.compaction";
}
