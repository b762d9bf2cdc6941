using System.Text.Json;
using System.Text.Json.Serialization;

namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>The body of <c>POST /v1/messages</c>, Anthropic's form, and of its count of tokens.</summary>
internal sealed record MessagesRequest : IRequestBody
{
    public string? Model { get; init; }

    public int? MaxTokens { get; init; }

    public IReadOnlyList<MessageBody?>? Messages { get; init; }

    /// <summary>Gets a text, or a list of text blocks.</summary>
    public JsonElement? System { get; init; }

    public IReadOnlyList<JsonElement>? Tools { get; init; }

    public JsonElement? ToolChoice { get; init; }

    public ThinkingBody? Thinking { get; init; }

    public OutputConfigBody? OutputConfig { get; init; }

    public IReadOnlyList<string?>? StopSequences { get; init; }

    public double? Temperature { get; init; }

    public double? TopP { get; init; }

    public int? TopK { get; init; }

    public bool? Stream { get; init; }

    // Known and without a meaning here.
    public JsonElement? Metadata { get; init; }

    public JsonElement? ServiceTier { get; init; }

    public JsonElement? CacheControl { get; init; }

    public JsonElement? ContextManagement { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
