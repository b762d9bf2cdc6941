using System.Text.Json;

namespace GptOss.Net.AspNetCore.Contracts.Chat;

/// <summary>A function that is offered.</summary>
internal sealed record FunctionBody
{
    public string? Name { get; init; }

    public string? Description { get; init; }

    /// <summary>Gets the JSON schema of the arguments.</summary>
    public JsonElement? Parameters { get; init; }

    /// <summary>Gets what OpenAI's servers may do without; here a schema is always enforced.</summary>
    public bool? Strict { get; init; }
}
