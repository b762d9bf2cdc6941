namespace GptOss.Net.Harmony;

/// <summary>The types that schemas mean which name none: that of the keywords they have, or any.</summary>
internal static class ImpliedTypes
{
    private static readonly (JsonTypes Type, string[] Keywords)[] Implications =
    [
        (JsonTypes.Object, ["properties", "required", "additionalProperties", "unevaluatedProperties", "minProperties", "maxProperties",
            "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies"]),
        (JsonTypes.Array, ["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains"]),
        (JsonTypes.String, ["pattern", "format", "minLength", "maxLength", "contentEncoding"]),
        (JsonTypes.Number, ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ];

    public static JsonTypes Of(IReadOnlyList<SchemaKeywords> schemas)
    {
        var types = JsonTypes.None;
        foreach (var schema in schemas)
        {
            foreach (var (type, keywords) in Implications)
            {
                types |= Array.Exists(keywords, schema.Has) ? type : JsonTypes.None;
            }
        }

        return types == JsonTypes.None ? JsonTypes.All : types;
    }
}
