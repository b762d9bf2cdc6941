using System.Text;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Writes a JSON schema as the TypeScript type that OpenAI's library writes, byte for byte.</summary>
internal static class TypeScriptTypeWriter
{
    /// <summary>The parameter list of a tool, without parentheses.</summary>
    public static string WriteArguments(JsonElement schema) =>
        schema.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined ? string.Empty : $"_: {Write(schema, string.Empty)}";

    /// <summary>The type of a schema, with <c>null</c> where it is nullable.</summary>
    public static string WriteNullable(JsonElement schema, string indent)
    {
        var type = Write(schema, indent);
        return schema.IsNullable() && !type.Contains("null", StringComparison.Ordinal) ? $"{type} | null" : type;
    }

    /// <summary>The type of a schema, without <c>null</c>. Lines after the first begin with the indent.</summary>
    private static string Write(JsonElement schema, string indent)
    {
        if (schema.ArrayKeyword("oneOf") is { } variants)
        {
            return string.Concat(variants.Select(variant => $"\n{indent} | {WriteVariant(variant, indent)}"));
        }

        if (schema.StringsKeyword("type") is { Count: > 0 } names)
        {
            return string.Join(" | ", names.Select(name => string.Equals(name, "integer", StringComparison.Ordinal) ? "number" : name));
        }

        return schema.StringKeyword("type") switch
        {
            "object" => WriteObject(schema, indent),
            "string" =>
                schema.StringsKeyword("enum") is { Count: > 0 } values ? string.Join(" | ", values.Select(SchemaComments.Quote)) : "string",
            "number" or "integer" => "number",
            "boolean" => "boolean",
            "array" => schema.Keyword("items") is { } items ? $"{Write(items, indent)}[]" : "Array<any>",
            _ => "any",
        };
    }

    private static string WriteVariant(JsonElement variant, string indent)
    {
        // Unlike for a property, a default that is one of an enum is quoted here.
        var defaultText = variant.Keyword("default") is { ValueKind: JsonValueKind.String } value && variant.HasEnum()
            ? $"default: {JsonText.Compact(value)}"
            : SchemaComments.Default(variant);
        return WriteNullable(variant, indent + "   ") + SchemaComments.Trailing(variant.StringKeyword("description"), defaultText);
    }

    private static string WriteObject(JsonElement schema, string indent)
    {
        var text = new StringBuilder(SchemaComments.Line(indent, schema.StringKeyword("description"))).Append("{\n");
        var required = schema.StringsKeyword("required").ToHashSet(StringComparer.Ordinal);
        foreach (var property in schema.Properties())
        {
            text.Append(TypeScriptPropertyWriter.Write(property, required.Contains(property.Name), indent));
        }

        return text.Append(indent).Append('}').ToString();
    }
}
