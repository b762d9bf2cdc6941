using System.Text.Json;

namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>How the answer is made.</summary>
internal sealed record OutputConfigBody
{
    public string? Effort { get; init; }

    public JsonElement? Format { get; init; }
}
