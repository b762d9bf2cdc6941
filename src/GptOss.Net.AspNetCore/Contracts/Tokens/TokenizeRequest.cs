using System.Text.Json;
using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Tokens;

/// <summary>The body of <c>POST /tokenize</c>.</summary>
internal sealed record TokenizeRequest : IRequestBody
{
    public string? Model { get; init; }

    public string? Prompt { get; init; }

    public bool? ReturnTokenStrs { get; init; }

    // Known and without a meaning: this tokenizer adds none.
    public bool? AddSpecialTokens { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
