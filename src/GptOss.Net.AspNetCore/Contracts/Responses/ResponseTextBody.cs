using System.Text.Json;

namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>How the text of a response is formed, in requests and echoed.</summary>
internal sealed record ResponseTextBody
{
    public JsonElement? Format { get; init; }

    public string? Verbosity { get; init; }
}
