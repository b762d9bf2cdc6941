using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>The keywords of one schema that matter. Annotations are left out. What is malformed counts as absent, and is listed.</summary>
internal sealed class SchemaKeywords
{
    private static readonly FrozenSet<string> Known = new[]
    {
        "$ref", "$dynamicRef", "$recursiveRef", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "type", "nullable", "enum", "const",
        "properties", "required", "additionalProperties", "unevaluatedProperties", "patternProperties", "propertyNames",
        "dependentRequired", "dependentSchemas", "dependencies", "minProperties", "maxProperties",
        "items", "prefixItems", "additionalItems", "unevaluatedItems", "minItems", "maxItems", "uniqueItems", "contains", "minContains",
        "pattern", "format", "minLength", "maxLength", "contentEncoding",
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly Dictionary<string, JsonElement> None = [];

    // What other parts stand for once they are resolved.
    private static readonly FrozenSet<string> References =
        new[] { "$ref", "$dynamicRef", "$recursiveRef", "allOf", "nullable" }.ToFrozenSet(StringComparer.Ordinal);

    private readonly Dictionary<string, JsonElement> _keywords = None;
    private readonly SchemaOmissions _omissions;
    private readonly int _textLength; // of what is read again for every node that the schema is a part of

    /// <summary>Reads the keywords of a schema that is an object.</summary>
    public SchemaKeywords(JsonElement schema, SchemaPath path, SchemaOmissions omissions)
    {
        (Path, _omissions) = (path, omissions);
        foreach (var keyword in schema.EnumerateObject())
        {
            if (Known.Contains(keyword.Name))
            {
                _keywords = ReferenceEquals(_keywords, None) ? new(StringComparer.Ordinal) : _keywords;
                _keywords[keyword.Name] = keyword.Value;
                var isRead = keyword.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number || keyword.NameEquals("type"u8);
                _textLength += isRead ? SchemaBudget.LengthOf(keyword.Value) : 0;
            }
        }

        IsNullable = TryGet("nullable", out var nullable) && nullable.ValueKind == JsonValueKind.True;
    }

    /// <summary>Whether the schema allows everything.</summary>
    public bool IsEmpty => _keywords.Count == 0;

    /// <summary>The number of keywords.</summary>
    public int Count => _keywords.Count;

    /// <summary>Whether null is allowed beside what else the schema says, as OpenAPI's <c>nullable</c> does.</summary>
    public bool IsNullable { get; }

    /// <summary>Whether nothing is left that the schema says, once its references and so many of its choices are other parts.</summary>
    public bool IsSpent(int resolved)
    {
        var choices = (IsNullable ? 1 : 0) + (Has("anyOf") ? 1 : 0) + (Has("oneOf") ? 1 : 0);
        return resolved >= choices && _keywords.Keys.All(keyword => keyword is "anyOf" or "oneOf" || References.Contains(keyword));
    }

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

    /// <summary>
    /// Returns a number as it is written, or null if there is none. A string that holds a number counts as one: .NET writes bounds of
    /// decimals so.
    /// </summary>
    public string? Number(string keyword)
    {
        if (!TryGet(keyword, out var value))
        {
            return null;
        }

        var text = value.ValueKind switch
        {
            JsonValueKind.Number => value.GetRawText(),
            JsonValueKind.String => value.GetString()!.Trim(),
            _ => "",
        };
        if (value.ValueKind == JsonValueKind.Number || IsNumber(text))
        {
            return text;
        }

        ReportInvalid(keyword, "must be a number");
        return null;
    }

    /// <summary>
    /// Returns a number of characters or items, or null if there is none; numbers too large for an int become the largest int.
    /// </summary>
    public int? CountOf(string keyword)
    {
        if (Number(keyword) is not { } text)
        {
            return null;
        }

        var value = double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (value >= 0 && value == Math.Floor(value))
        {
            return (int)Math.Min(int.MaxValue, value);
        }

        ReportInvalid(keyword, "must be a whole number that is not negative");
        return null;
    }

    /// <summary>The types that the schema names, or null if it names none.</summary>
    public JsonTypes? Types() => TryGet("type", out var type) ? Types(type) : null;

    /// <summary>The types that a value of <c>type</c> names; null where it names none that there is.</summary>
    public JsonTypes? Types(JsonElement type)
    {
        var types = JsonTypes.None;
        IEnumerable<JsonElement> names = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray() : [type];
        foreach (var name in names)
        {
            if (JsonTypeNames.Find(name) is not { } named)
            {
                ReportInvalid("type", "must be null, boolean, integer, number, string, array or object, or an array of these");
                return null;
            }

            types |= named;
        }

        return types;
    }

    /// <summary>Lists a keyword as wrong in itself.</summary>
    public void ReportInvalid(string keyword, string problem) =>
        _omissions.Add(Path.Add(keyword), $"'{keyword}' {problem}", SchemaOmissionKind.Invalid);

    /// <summary>Lists a keyword that narrows the values, as not enforced.</summary>
    public void Report(string keyword, string reason, SchemaOmissionKind kind = SchemaOmissionKind.Unsupported) =>
        _omissions.Add(Path, $"'{keyword}' {reason}", kind);

    private JsonElement? OfKind(string keyword, JsonValueKind kind, string what)
    {
        if (!TryGet(keyword, out var value))
        {
            return null;
        }

        if (value.ValueKind == kind)
        {
            return value;
        }

        ReportInvalid(keyword, $"must be {what}");
        return null;
    }

    private static bool IsNumber(string text) =>
        text.Length is > 0 and < 100 && (char.IsAsciiDigit(text[0]) || (text[0] == '-' && text.Length > 1 && char.IsAsciiDigit(text[1])))
        && char.IsAsciiDigit(text[^1]) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _);
}
