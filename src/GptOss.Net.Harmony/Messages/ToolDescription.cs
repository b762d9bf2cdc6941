using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>What the model is told about one tool.</summary>
public sealed class ToolDescription
{
    /// <summary>The name, an identifier: ASCII letters, digits and underscores work best.</summary>
    public required string Name { get; init; }

    /// <summary>What the tool does.</summary>
    /// <value>Default empty: no comment.</value>
    public string Description { get; init; } = string.Empty;

    /// <summary>The JSON schema of the arguments. Its document must outlive the rendering.</summary>
    /// <value>Default null: a tool without arguments.</value>
    public JsonElement? Parameters { get; init; }
}
