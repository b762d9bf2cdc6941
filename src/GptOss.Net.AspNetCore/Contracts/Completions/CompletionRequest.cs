using System.Text.Json;
using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Completions;

/// <summary>The body of <c>POST /v1/completions</c>: raw text, without the chat format.</summary>
internal sealed record CompletionRequest : IRequestBody
{
    public string? Model { get; init; }

    /// <summary>Gets a text, texts, tokens, or lists of tokens.</summary>
    public JsonElement? Prompt { get; init; }

    public int? MaxTokens { get; init; }

    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    public double? FrequencyPenalty { get; init; }

    public double? PresencePenalty { get; init; }

    public long? Seed { get; init; }

    public JsonElement? Stop { get; init; }

    public Dictionary<string, double>? LogitBias { get; init; }

    public int? N { get; init; }

    public int? BestOf { get; init; }

    public bool? Echo { get; init; }

    public int? Logprobs { get; init; }

    public bool? Stream { get; init; }

    public StreamOptionsBody? StreamOptions { get; init; }

    public string? Suffix { get; init; }

    // What vLLM adds.
    public int? TopK { get; init; }

    public double? MinP { get; init; }

    public double? RepetitionPenalty { get; init; }

    public IReadOnlyList<int>? StopTokenIds { get; init; }

    public int? Priority { get; init; }

    public string? CacheSalt { get; init; }

    // Known and without a meaning here.
    public JsonElement? User { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
