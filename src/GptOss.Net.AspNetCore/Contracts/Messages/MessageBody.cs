using System.Text.Json;

namespace GptOss.Net.AspNetCore.Contracts.Messages;

/// <summary>One message of a conversation.</summary>
internal sealed record MessageBody
{
    public string? Role { get; init; }

    /// <summary>Gets a text, or a list of blocks.</summary>
    public JsonElement? Content { get; init; }
}
