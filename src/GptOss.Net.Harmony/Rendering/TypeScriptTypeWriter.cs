using System.Text;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Writes a JSON schema as the TypeScript type that OpenAI's library writes; see <see cref="SchemaRendering"/>.</summary>
internal sealed class TypeScriptTypeWriter
{
    private readonly SchemaRendering _rendering;
    private readonly SchemaComments _comments;
    private readonly TypeScriptPropertyWriter _properties;

    /// <summary>Creates a writer.</summary>
    public TypeScriptTypeWriter(SchemaRendering rendering)
    {
        _rendering = rendering;
        _comments = new SchemaComments(rendering);
        _properties = new TypeScriptPropertyWriter(this, _comments, rendering);
    }

    private bool IsExact => _rendering == SchemaRendering.Exact;

    /// <summary>The parameter list of a tool, without parentheses.</summary>
    public string WriteArguments(JsonElement schema)
    {
        if (schema.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined)
        {
            return string.Empty;
        }

        if (IsExact)
        {
            return $"_: {Write(schema, string.Empty)}";
        }

        var enriched = SchemaEnricher.Enrich(schema);
        var isEmpty = enriched.Keyword("oneOf") is null && enriched.Properties().Count == 0;
        return isEmpty ? string.Empty : $"_: {Write(enriched, string.Empty)}";
    }

    /// <summary>The type of a schema, without <c>null</c>. Lines after the first begin with the indent.</summary>
    public string Write(JsonElement schema, string indent, bool describe = true)
    {
        if (schema.ArrayKeyword("oneOf") is { } variants)
        {
            return string.Concat(variants.Select(variant => $"\n{indent} | {WriteVariant(variant, indent)}"));
        }

        if (!IsExact && schema.HasEnum())
        {
            return string.Join(" | ", schema.ArrayKeyword("enum")!.Select(JsonText.Compact));
        }

        if (schema.StringsKeyword("type") is { Count: > 0 } names)
        {
            return string.Join(" | ", names.Select(name => string.Equals(name, "integer", StringComparison.Ordinal) ? "number" : name));
        }

        return schema.StringKeyword("type") switch
        {
            "object" => WriteObject(schema, indent, describe),
            "string" => schema.StringsKeyword("enum") is { Count: > 0 } values ? string.Join(" | ", values.Select(_comments.Quote)) : "string",
            "number" or "integer" => "number",
            "boolean" => "boolean",
            "array" => WriteArray(schema, indent),
            _ => "any",
        };
    }

    /// <summary>The type of a schema, with <c>null</c> where it is nullable.</summary>
    public string WriteNullable(JsonElement schema, string indent, bool describe = true)
    {
        var type = Write(schema, indent, describe);
        var hasNull = IsExact ? type.Contains("null", StringComparison.Ordinal) : type.EndsWith("null", StringComparison.Ordinal);
        return schema.IsNullable() && !hasNull ? $"{type} | null" : type;
    }

    private string WriteVariant(JsonElement variant, string indent)
    {
        // Unlike for a property, a default that is one of an enum is quoted here.
        var defaultText = variant.Keyword("default") is { ValueKind: JsonValueKind.String } value && variant.HasEnum()
            ? $"default: {JsonText.Compact(value)}"
            : _comments.Default(variant);
        return WriteNullable(variant, indent + "   ") + _comments.Trailing(variant.StringKeyword("description"), defaultText);
    }

    private string WriteObject(JsonElement schema, string indent, bool describe)
    {
        var text = new StringBuilder(_comments.Lines(indent, describe ? schema.StringKeyword("description") : null)).Append("{\n");
        var required = schema.StringsKeyword("required").ToHashSet(StringComparer.Ordinal);
        foreach (var property in schema.Properties())
        {
            text.Append(_properties.Write(property, required.Contains(property.Name), indent));
        }

        return text.Append(indent).Append('}').ToString();
    }

    private string WriteArray(JsonElement schema, string indent)
    {
        if (schema.Keyword("items") is not { } items)
        {
            return "Array<any>";
        }

        if (IsExact)
        {
            return $"{Write(items, indent)}[]";
        }

        var type = WriteNullable(items, indent);
        return IsUnion(items) ? $"({type})[]" : $"{type}[]";
    }

    private static bool IsUnion(JsonElement schema) =>
        schema.IsNullable() || schema.Keyword("oneOf") is not null
        || schema.ArrayKeyword("enum") is { Count: > 1 } || schema.StringsKeyword("type").Count > 1;
}
