using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>What the model is told about one tool.</summary>
public sealed class ToolDescription
{
    private SchemaModel? _model;

    /// <summary>The name, an identifier: ASCII letters, digits and underscores work best.</summary>
    public required string Name { get; init; }

    /// <summary>What the tool does.</summary>
    /// <value>Default empty: no comment.</value>
    public string Description { get; init; } = string.Empty;

    /// <summary>The JSON schema of the arguments. Its document must outlive the rendering.</summary>
    /// <value>Default null: a tool without arguments.</value>
    public JsonElement? Parameters { get; init; }

    /// <summary>What the schema means; read from it where it is not given. Null without arguments.</summary>
    internal SchemaModel? Model
    {
        get => _model ??= Parameters is { ValueKind: not (JsonValueKind.Null or JsonValueKind.Undefined) } schema
            ? SchemaModel.ReadArguments(schema)
            : null;
        init => _model = value;
    }
}
