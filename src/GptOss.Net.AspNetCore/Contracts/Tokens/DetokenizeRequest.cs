using System.Text.Json;
using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Tokens;

/// <summary>The body of <c>POST /detokenize</c>.</summary>
internal sealed record DetokenizeRequest : IRequestBody
{
    public string? Model { get; init; }

    public IReadOnlyList<int>? Tokens { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
