using System.Text.Json;
using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>The body of <c>POST /v1/responses</c>, of its count of tokens and of its compaction.</summary>
internal sealed record ResponseRequest : IRequestBody
{
    public string? Model { get; init; }

    /// <summary>Gets a text, or a list of items.</summary>
    public JsonElement? Input { get; init; }

    public string? Instructions { get; init; }

    public string? PreviousResponseId { get; init; }

    public IReadOnlyList<string?>? Include { get; init; }

    /// <summary>Gets tools of any kind; those that a service would run are skipped.</summary>
    public IReadOnlyList<JsonElement>? Tools { get; init; }

    public JsonElement? ToolChoice { get; init; }

    public bool? ParallelToolCalls { get; init; }

    public int? MaxToolCalls { get; init; }

    public JsonElement? Metadata { get; init; }

    public ResponseTextBody? Text { get; init; }

    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    public double? PresencePenalty { get; init; }

    public double? FrequencyPenalty { get; init; }

    public int? TopLogprobs { get; init; }

    public int? MaxOutputTokens { get; init; }

    public ReasoningBody? Reasoning { get; init; }

    public string? Truncation { get; init; }

    public bool? Stream { get; init; }

    public StreamOptionsBody? StreamOptions { get; init; }

    public bool? Background { get; init; }

    public bool? Store { get; init; }

    public string? SafetyIdentifier { get; init; }

    public string? PromptCacheKey { get; init; }

    public string? ServiceTier { get; init; }

    // What vLLM adds.
    public long? Seed { get; init; }

    public int? TopK { get; init; }

    public double? MinP { get; init; }

    public double? RepetitionPenalty { get; init; }

    public int? Priority { get; init; }

    public string? CacheSalt { get; init; }

    public JsonElement? Stop { get; init; }

    public Dictionary<string, double>? LogitBias { get; init; }

    // Known and refused when set.
    public JsonElement? Conversation { get; init; }

    public JsonElement? Prompt { get; init; }

    // Known and without a meaning here.
    public JsonElement? User { get; init; }

    public JsonElement? PromptCacheRetention { get; init; }

    public JsonElement? ClientMetadata { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
