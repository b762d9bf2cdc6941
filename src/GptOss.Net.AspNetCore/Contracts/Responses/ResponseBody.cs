using System.Text.Json;
using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Responses;

/// <summary>A response: the body of an answer, and the snapshots of a stream. None of its members may be missing.</summary>
internal sealed record ResponseBody
{
    public required string Id { get; init; }

    public string Object { get; } = "response";

    public required long CreatedAt { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public long? CompletedAt { get; init; }

    /// <summary>Gets <c>queued</c>, <c>in_progress</c>, <c>completed</c>, <c>incomplete</c>, <c>failed</c> or <c>cancelled</c>.</summary>
    public required string Status { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public IncompleteDetails? IncompleteDetails { get; init; }

    public required string Model { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? PreviousResponseId { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Instructions { get; init; }

    public IReadOnlyList<ResponseItem> Output { get; init; } = [];

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ResponseErrorBody? Error { get; init; }

    public required IReadOnlyList<FunctionToolBody> Tools { get; init; }

    public required JsonElement ToolChoice { get; init; }

    public required string Truncation { get; init; }

    public required bool ParallelToolCalls { get; init; }

    public required ResponseTextBody Text { get; init; }

    public required double TopP { get; init; }

    public required double PresencePenalty { get; init; }

    public required double FrequencyPenalty { get; init; }

    public required int TopLogprobs { get; init; }

    public required double Temperature { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ReasoningEcho? Reasoning { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public ResponseUsage? Usage { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? MaxOutputTokens { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public int? MaxToolCalls { get; init; }

    public required bool Store { get; init; }

    public required bool Background { get; init; }

    public string ServiceTier { get; } = "default";

    public required JsonElement Metadata { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? SafetyIdentifier { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? PromptCacheKey { get; init; }
}
