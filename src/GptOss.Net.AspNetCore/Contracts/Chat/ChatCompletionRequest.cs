using System.Text.Json;
using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>The body of <c>POST /v1/chat/completions</c>. Fields of several forms are left as JSON for the mapping.</summary>
internal sealed record ChatCompletionRequest : IRequestBody
{
    public string? Model { get; init; }

    public IReadOnlyList<ChatMessageBody?>? Messages { get; init; }

    public int? MaxCompletionTokens { get; init; }

    public int? MaxTokens { get; init; }

    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    public double? FrequencyPenalty { get; init; }

    public double? PresencePenalty { get; init; }

    public long? Seed { get; init; }

    public JsonElement? Stop { get; init; }

    public Dictionary<string, double>? LogitBias { get; init; }

    public int? N { get; init; }

    public bool? Logprobs { get; init; }

    public int? TopLogprobs { get; init; }

    public JsonElement? ResponseFormat { get; init; }

    public IReadOnlyList<ChatToolBody?>? Tools { get; init; }

    public JsonElement? ToolChoice { get; init; }

    public bool? ParallelToolCalls { get; init; }

    public string? ReasoningEffort { get; init; }

    public ReasoningBody? Reasoning { get; init; }

    public bool? IncludeReasoning { get; init; }

    public bool? Stream { get; init; }

    public StreamOptionsBody? StreamOptions { get; init; }

    // What vLLM adds.
    public int? TopK { get; init; }

    public double? MinP { get; init; }

    public double? RepetitionPenalty { get; init; }

    public int? ThinkingTokenBudget { get; init; }

    public int? Priority { get; init; }

    public string? CacheSalt { get; init; }

    public IReadOnlyList<int>? StopTokenIds { get; init; }

    public ChatTemplateArguments? ChatTemplateKwargs { get; init; }

    // Known and refused when set.
    public JsonElement? Audio { get; init; }

    public IReadOnlyList<string?>? Modalities { get; init; }

    public JsonElement? WebSearchOptions { get; init; }

    public JsonElement? Functions { get; init; }

    public JsonElement? FunctionCall { get; init; }

    public int? MinTokens { get; init; }

    public bool? IgnoreEos { get; init; }

    public JsonElement? StructuredOutputs { get; init; }

    // Known and without a meaning here.
    public JsonElement? User { get; init; }

    public JsonElement? Metadata { get; init; }

    public JsonElement? Store { get; init; }

    public JsonElement? ServiceTier { get; init; }

    public JsonElement? PromptCacheKey { get; init; }

    public JsonElement? PromptCacheRetention { get; init; }

    public JsonElement? PromptCacheOptions { get; init; }

    public JsonElement? SafetyIdentifier { get; init; }

    public JsonElement? Prediction { get; init; }

    public JsonElement? Verbosity { get; init; }

    public JsonElement? Moderation { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
