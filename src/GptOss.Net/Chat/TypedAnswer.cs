using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace GptOss.Net.Chat;

/// <summary>Answers that are deserialized to a .NET type, whose values are fewer than those of its schema.</summary>
internal static class TypedAnswer
{
    // What Microsoft.Extensions.AI wraps values in that are no objects.
    private const string Wrapper = "data";

    /// <summary>
    /// Returns the options with the schema of <see cref="GptOssRequestOptions.ResponseType"/>; the same if there is none.
    /// </summary>
    public static ChatOptions Apply(ChatOptions options, GptOssRequestOptions own)
    {
        if (own.ResponseType is not { } type || options.ResponseFormat is not ChatResponseFormatJson format)
        {
            return options;
        }

        var schema = AIJsonUtilities.CreateJsonSchema(
            type.Type, serializerOptions: type.Options,
            inferenceOptions: new AIJsonSchemaCreateOptions { TransformSchemaNode = TypeBounds.Add });
        var narrowed = options.Clone();
        narrowed.ResponseFormat = ChatResponseFormat.ForJsonSchema(
            IsWrapped(format.Schema, schema) ? Wrap(schema) : schema, format.SchemaName, format.SchemaDescription);
        return narrowed;
    }

    private static bool IsWrapped(JsonElement? given, JsonElement schema) =>
        given is { ValueKind: JsonValueKind.Object } outer && outer.TryGetProperty("properties", out var properties)
        && properties.GetPropertyCount() == 1 && properties.TryGetProperty(Wrapper, out _) && !IsObject(schema);

    private static bool IsObject(JsonElement schema) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("type", out var type)
        && type.ValueKind == JsonValueKind.String && type.ValueEquals("object"u8);

    private static JsonElement Wrap(JsonElement schema)
    {
        // Pointers in it begin where it says that it is a schema of its own.
        var inner = JsonNode.Parse(schema.GetRawText());
        if (inner is JsonObject document && !document.ContainsKey("$schema"))
        {
            document["$schema"] = "https://json-schema.org/draft/2020-12/schema";
        }

        var wrapped = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = new JsonObject { [Wrapper] = inner },
            ["additionalProperties"] = false,
            ["required"] = new JsonArray(Wrapper),
        };
        return JsonElement.Parse(wrapped.ToJsonString());
    }
}
