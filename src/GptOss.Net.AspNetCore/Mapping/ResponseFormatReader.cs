using System.Text.Json;
using GptOss.Net.AspNetCore.Operations;
using Microsoft.Extensions.AI;

namespace GptOss.Net.AspNetCore.Mapping;

/// <summary>From <c>response_format</c>, or <c>text.format</c> of responses, to the format of the answer.</summary>
internal static class ResponseFormatReader
{
    /// <param name="format">The field.</param>
    /// <param name="param">Its path.</param>
    public static ChatResponseFormat? Read(JsonElement? format, string param)
    {
        if (format is not { } value || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        var type = Check.TextMember(Check.Object(value, param), "type", param) ?? throw RequestError.Missing($"{param}.type");
        return type switch
        {
            "text" => null,
            "json_object" => ChatResponseFormat.Json,
            "json_schema" => ReadSchema(value, param),
            _ => throw RequestError.UnsupportedValue($"{param}.type", $"it is '{type}'; use text, json_object or json_schema"),
        };
    }

    /// <summary>A schema is enforced whether it is <c>strict</c> or not. Chat completions nest it; responses do not.</summary>
    private static ChatResponseFormatJson ReadSchema(JsonElement format, string param)
    {
        if (Check.Member(format, "json_schema") is { } nested)
        {
            param += ".json_schema";
            format = Check.Object(nested, param);
        }

        var schema = Check.Member(format, "schema") ?? throw RequestError.Missing($"{param}.schema");
        if (schema.ValueKind is not (JsonValueKind.Object or JsonValueKind.True))
        {
            throw RequestError.WrongType($"{param}.schema", "a JSON schema, which is an object");
        }

        var name = Check.TextMember(format, "name", param);
        if (name is not null)
        {
            FunctionDefinition.CheckName(name, $"{param}.name");
        }

        return ChatResponseFormat.ForJsonSchema(schema.Clone(), name, Check.TextMember(format, "description", param));
    }
}
