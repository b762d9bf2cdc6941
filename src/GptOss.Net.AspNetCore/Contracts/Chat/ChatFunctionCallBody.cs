using System.Text.Json;

namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>The function of a call.</summary>
internal sealed record ChatFunctionCallBody
{
    public string? Name { get; init; }

    /// <summary>Gets JSON in a string, or an object.</summary>
    public JsonElement? Arguments { get; init; }
}
