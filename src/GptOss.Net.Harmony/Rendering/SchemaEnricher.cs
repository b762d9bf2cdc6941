using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GptOss.Net.Harmony;

/// <summary>
/// Rewrites a schema into the keywords that <see cref="TypeScriptTypeWriter"/> writes out: references are replaced by what they name,
/// <c>anyOf</c> becomes <c>oneOf</c>, <c>const</c> an enum of one, and null among the alternatives <c>nullable</c>.
/// </summary>
internal sealed class SchemaEnricher
{
    // A reference may name what contains it, and a schema may multiply itself by references: both end in "any".
    private const int MaxReferenceDepth = 4;
    private const int MaxNodes = 2_000;
    private const int MaxDepth = 24;

    private static readonly string[] Copied = ["title", "description", "examples", "default", "nullable", "type", "enum", "required"];

    private readonly JsonElement _root;
    private int _nodes;

    private SchemaEnricher(JsonElement root) => _root = root;

    /// <summary>The rewritten schema.</summary>
    public static JsonElement Enrich(JsonElement schema)
    {
        var rewritten = new SchemaEnricher(schema).Rewrite(schema, 0, 0).ToJsonString();
        using var document = JsonDocument.Parse(rewritten, new JsonDocumentOptions { MaxDepth = 1000 });
        return document.RootElement.Clone();
    }

    private JsonObject Rewrite(JsonElement schema, int depth, int references)
    {
        if (schema.ValueKind != JsonValueKind.Object || ++_nodes > MaxNodes || depth > MaxDepth)
        {
            return [];
        }

        if (Target(schema) is { } target)
        {
            var resolved = references < MaxReferenceDepth ? Rewrite(target, depth, references + 1) : [];
            CopyTexts(schema, resolved);
            return resolved;
        }

        var result = new JsonObject();
        foreach (var name in Copied)
        {
            if (schema.Keyword(name) is { } value)
            {
                result[name] = NodeOf(value);
            }
        }

        AddProperties(schema, result, depth, references);
        if (schema.Keyword("items") is { } items)
        {
            result["items"] = Rewrite(items, depth + 1, references);
        }

        AddVariants(schema, result, depth, references);
        AddConstant(schema, result);
        MoveNull(result);
        return result;
    }

    /// <summary>What a schema stands for: the target of <c>$ref</c>, or the only entry of <c>allOf</c>.</summary>
    private JsonElement? Target(JsonElement schema)
    {
        if (schema.StringKeyword("$ref") is { } reference)
        {
            return Resolve(reference);
        }

        return schema.Keyword("type") is null && schema.ArrayKeyword("allOf") is [var only] ? only : null;
    }

    /// <summary>Follows a pointer within the document, such as <c>#/$defs/Node</c>; an empty schema when it leads nowhere.</summary>
    private JsonElement Resolve(string reference)
    {
        var current = _root;
        foreach (var step in reference.Split('/').Skip(1))
        {
            var name = Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            current = current.ValueKind switch
            {
                JsonValueKind.Object when current.TryGetProperty(name, out var member) => member,
                JsonValueKind.Array when int.TryParse(name, CultureInfo.InvariantCulture, out var index) && (uint)index < current.GetArrayLength() => current[index],
                _ => default,
            };
        }

        return reference.StartsWith('#') ? current : default;
    }

    private void AddProperties(JsonElement schema, JsonObject result, int depth, int references)
    {
        if (schema.Properties() is { Count: > 0 } properties)
        {
            var members = new JsonObject();
            foreach (var property in properties)
            {
                members[property.Name] = Rewrite(property.Value, depth + 1, references);
            }

            result["properties"] = members;
        }
    }

    private void AddVariants(JsonElement schema, JsonObject result, int depth, int references)
    {
        if ((schema.ArrayKeyword("oneOf") ?? schema.ArrayKeyword("anyOf")) is not { Count: > 0 } variants)
        {
            return;
        }

        var others = variants.Where(variant => !string.Equals(variant.StringKeyword("type"), "null", StringComparison.Ordinal)).ToList();
        if (others.Count < variants.Count)
        {
            result["nullable"] = true;
        }

        if (others is not [var only])
        {
            result["oneOf"] = new JsonArray([.. others.Select(variant => Rewrite(variant, depth + 1, references))]);
            return;
        }

        foreach (var (name, value) in Rewrite(only, depth + 1, references))
        {
            result.TryAdd(name, value?.DeepClone());
        }
    }

    private static void CopyTexts(JsonElement schema, JsonObject result)
    {
        foreach (var name in new[] { "title", "description", "default", "nullable" })
        {
            if (schema.Keyword(name) is { } value)
            {
                result[name] = NodeOf(value);
            }
        }
    }

    private static void AddConstant(JsonElement schema, JsonObject result)
    {
        if (schema.Keyword("const") is { } constant)
        {
            result["enum"] = new JsonArray(NodeOf(constant));
        }
    }

    /// <summary>Replaces null among the types and enum values by <c>nullable</c>; a single type left is a plain type.</summary>
    private static void MoveNull(JsonObject result)
    {
        if (result["type"] is JsonArray types)
        {
            var names = types.Where(type => type is JsonValue value && value.TryGetValue(out string? _)).Select(type => (string)type!).ToList();
            if (names.Remove("null"))
            {
                result["nullable"] = true;
            }

            result["type"] = names is [var only] ? only : new JsonArray([.. names.Select(name => (JsonNode)name)]);
        }

        if (result["enum"] is JsonArray values && values.Any(value => value is null) && values.Count > 1)
        {
            result["nullable"] = true;
            result["enum"] = new JsonArray([.. values.Where(value => value is not null).Select(value => value!.DeepClone())]);
        }
    }

    private static JsonNode? NodeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => JsonObject.Create(value),
        JsonValueKind.Array => JsonArray.Create(value),
        JsonValueKind.Null => null,
        _ => JsonValue.Create(value),
    };
}
