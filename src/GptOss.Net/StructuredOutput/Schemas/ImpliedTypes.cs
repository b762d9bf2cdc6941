namespace GptOss.Net.StructuredOutput.Schemas;

/// <summary>The types that schemas mean which name none: that of the keywords they have, or any.</summary>
internal static class ImpliedTypes
{
    private static readonly (JsonTypes Type, string[] Keywords)[] Implications =
    [
        (JsonTypes.Object, ["properties", "required", "additionalProperties", "minProperties", "maxProperties"]),
        (JsonTypes.Array, ["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems"]),
        (JsonTypes.String, ["pattern", "format", "minLength", "maxLength"]),
        (JsonTypes.Number, ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ];

    public static JsonTypes Of(IReadOnlyList<SchemaKeywords> schemas)
    {
        var types = JsonTypes.None;
        foreach (var (type, keywords) in Implications)
        {
            if (keywords.Any(keyword => schemas.Any(schema => schema.Has(keyword))))
            {
                types |= type;
            }
        }

        return types == JsonTypes.None ? JsonTypes.All : types;
    }
}
