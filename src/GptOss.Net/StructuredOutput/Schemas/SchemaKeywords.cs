using System.Collections.Frozen;
using System.Text.Json;

namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>The keywords of one schema that matter. Annotations, and what the documentation lists as not enforced, are left out.</summary>
internal sealed class SchemaKeywords
{
    private static readonly string[] Refused =
    [
        "not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies",
        "contains", "minContains", "unevaluatedItems", "$dynamicRef", "$recursiveRef",
    ];

    private static readonly FrozenSet<string> Known = new[]
    {
        "$ref", "allOf", "anyOf", "oneOf", "type", "nullable", "enum", "const",
        "properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties",
        "items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems",
        "pattern", "format", "minLength", "maxLength",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly Dictionary<string, JsonElement> None = [];

    private readonly Dictionary<string, JsonElement> _keywords = None;
    private readonly int _textLength; // of what is read again for every rule that the schema is a part of

    /// <summary>Reads the keywords of a schema that is an object.</summary>
    public SchemaKeywords(JsonElement schema, SchemaPath path)
    {
        Path = path;
        foreach (var keyword in schema.EnumerateObject())
        {
            if (Refused.Contains(keyword.Name, StringComparer.Ordinal))
            {
                throw SchemaRefusal.Unsupported(path, $"the keyword '{keyword.Name}' is not supported; remove it");
            }

            if (Known.Contains(keyword.Name))
            {
                _keywords = ReferenceEquals(_keywords, None) ? new(StringComparer.Ordinal) : _keywords;
                _keywords[keyword.Name] = keyword.Value;
                var isRead = keyword.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number || keyword.NameEquals("type"u8);
                _textLength += isRead ? SchemaBudget.LengthOf(keyword.Value) : 0;
            }
        }

        if (TryGet("unevaluatedProperties", out var unevaluated))
        {
            _keywords.TryAdd("additionalProperties", unevaluated);
        }
    }

    /// <summary>Whether the schema allows everything.</summary>
    public bool IsEmpty => _keywords.Count == 0;

    /// <summary>What it costs to read the keywords once.</summary>
    public int Work => SchemaBudget.WorkOf(_textLength);

    /// <summary>Where the schema is.</summary>
    public SchemaPath Path { get; }

    public bool TryGet(string keyword, out JsonElement value) => _keywords.TryGetValue(keyword, out value);

    public bool Has(string keyword) => _keywords.ContainsKey(keyword);

    /// <summary>Returns an array, or null if there is none.</summary>
    public JsonElement? Array(string keyword) => OfKind(keyword, JsonValueKind.Array, "an array");

    /// <summary>Returns an object, or null if there is none.</summary>
    public JsonElement? Object(string keyword) => OfKind(keyword, JsonValueKind.Object, "an object");

    /// <summary>Returns a text, or null if there is none.</summary>
    public string? String(string keyword) => OfKind(keyword, JsonValueKind.String, "a string")?.GetString();

    /// <summary>Returns a number, or null if there is none.</summary>
    public JsonElement? Number(string keyword) => OfKind(keyword, JsonValueKind.Number, "a number");

    /// <summary>Returns a number of characters or items, or null if there is none; numbers too large for an int become the largest int.</summary>
    public int? Count(string keyword)
    {
        if (Number(keyword) is not { } number)
        {
            return null;
        }

        var value = number.GetDouble();
        return value >= 0 && value == Math.Floor(value)
            ? (int)Math.Min(int.MaxValue, value)
            : throw Invalid(keyword, "must be a whole number that is not negative");
    }

    /// <summary>The types that the schema names, or null if it names none.</summary>
    public JsonTypes? Types()
    {
        if (!TryGet("type", out var type))
        {
            return null;
        }

        var types = TryGet("nullable", out var nullable) && nullable.ValueKind == JsonValueKind.True ? JsonTypes.Null : JsonTypes.None;
        if (type.ValueKind != JsonValueKind.Array)
        {
            return types | Type(type);
        }

        foreach (var one in type.EnumerateArray())
        {
            types |= Type(one);
        }

        return types;
    }

    public ArgumentException Invalid(string keyword, string problem) => SchemaRefusal.Invalid(Path.Add(keyword), $"'{keyword}' {problem}");

    private JsonTypes Type(JsonElement type) => (type.ValueKind == JsonValueKind.String ? type.GetString() : null) switch
    {
        "null" => JsonTypes.Null,
        "boolean" => JsonTypes.Boolean,
        "integer" => JsonTypes.Integer,
        "number" => JsonTypes.Number,
        "string" => JsonTypes.String,
        "array" => JsonTypes.Array,
        "object" => JsonTypes.Object,
        _ => throw Invalid("type", "must be null, boolean, integer, number, string, array or object, or an array of these"),
    };

    private JsonElement? OfKind(string keyword, JsonValueKind kind, string what) => !TryGet(keyword, out var value)
        ? null
        : value.ValueKind == kind ? value : throw Invalid(keyword, $"must be {what}");
}
