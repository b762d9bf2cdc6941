using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>The JSON schema of the answer that a developer message asks for.</summary>
public sealed class ResponseFormat
{
    /// <summary>A short identifier.</summary>
    public required string Name { get; init; }

    /// <summary>What the answer is.</summary>
    /// <value>Default null: the line is left out.</value>
    public string? Description { get; init; }

    /// <summary>The JSON schema. Its document must outlive the rendering.</summary>
    public required JsonElement Schema { get; init; }
}
