using System.Text.Json;
using System.Text.Json.Serialization;
using GptOss.Net.AspNetCore.Contracts.Chat;

namespace GptOss.Net.AspNetCore.Contracts.Tokens;

/// <summary>The body of <c>POST /tokenize</c>: a text, or a conversation as chat completions take it.</summary>
internal sealed record TokenizeRequest : IRequestBody
{
    public string? Model { get; init; }

    public string? Prompt { get; init; }

    /// <summary>Gets the conversation, in place of a text.</summary>
    public IReadOnlyList<ChatMessageBody?>? Messages { get; init; }

    public IReadOnlyList<ChatToolBody?>? Tools { get; init; }

    public string? ReasoningEffort { get; init; }

    public bool? ReturnTokenStrs { get; init; }

    // Known and without a meaning: a text gets no other tokens, and a conversation is encoded up to where the model begins to write.
    public bool? AddSpecialTokens { get; init; }

    public bool? AddGenerationPrompt { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}
