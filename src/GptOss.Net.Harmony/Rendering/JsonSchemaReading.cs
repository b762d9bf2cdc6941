using System.Text.Json;

namespace GptOss.Net.Harmony;

/// <summary>Reads schema keywords; a keyword of the wrong kind counts as absent.</summary>
internal static class JsonSchemaReading
{
    /// <summary>The value of a keyword.</summary>
    public static JsonElement? Keyword(this JsonElement schema, string name) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out var value) ? value : null;

    /// <summary>The string value of a keyword.</summary>
    public static string? StringKeyword(this JsonElement schema, string name) =>
        schema.Keyword(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    /// <summary>The entries of an array keyword, or null.</summary>
    public static IReadOnlyList<JsonElement>? ArrayKeyword(this JsonElement schema, string name) =>
        schema.Keyword(name) is { ValueKind: JsonValueKind.Array } value ? [.. value.EnumerateArray()] : null;

    /// <summary>The strings of an array keyword; other entries are left out.</summary>
    public static IReadOnlyList<string> StringsKeyword(this JsonElement schema, string name) =>
        [.. (schema.ArrayKeyword(name) ?? []).Where(value => value.ValueKind == JsonValueKind.String).Select(value => value.GetString()!)];

    /// <summary>The members of <c>properties</c> in schema order.</summary>
    public static IReadOnlyList<JsonProperty> Properties(this JsonElement schema) =>
        schema.Keyword("properties") is { ValueKind: JsonValueKind.Object } value ? [.. value.EnumerateObject()] : [];

    /// <summary>Whether there is an enum with values.</summary>
    public static bool HasEnum(this JsonElement schema) => schema.ArrayKeyword("enum") is { Count: > 0 };

    /// <summary>Whether <c>nullable</c> is true.</summary>
    public static bool IsNullable(this JsonElement schema) => schema.Keyword("nullable") is { ValueKind: JsonValueKind.True };
}
